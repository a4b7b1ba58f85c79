/* SPDX-License-Identifier: MIT */
/* Values on the command line: numbers, sizes, names, addresses. Each takes the whole string or fails. */
#ifndef UKVM_PARSE_H
#define UKVM_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits only, no sign, no space; false beyond `max`. */
bool parse_number(const char *text, uint64_t max, uint64_t *value);

/* A number with an optional K, M or G (powers of 1024, either case); false when it does not fit 64 bits. */
bool parse_size(const char *text, uint64_t *bytes);

/* A device's name: 1 to 23 of [a-z0-9_-], copied to `name`, which has UKVM_DEVICE_NAME_SIZE bytes and is zeroed first.
 */
bool parse_device_name(const char *text, char *name);

/* Six pairs of hexadecimal digits with colons; false for a multicast or an all-zero address. */
bool parse_mac(const char *text, uint8_t mac[6]);

/* A.B.C.D */
bool parse_ip4(const char *text, uint8_t ip[4]);

/* Whether a host can have the address: not 0.x, loopback, multicast or above. */
bool ip4_is_host(const uint8_t ip[4]);

/* Whether it is the network's own address or its broadcast address; there are none with a prefix of 31 and 32. */
bool ip4_is_network(const uint8_t ip[4], uint8_t prefix);

/* Whether both are in one network with that prefix. */
bool ip4_is_near(const uint8_t a[4], const uint8_t b[4], uint8_t prefix);

/* A.B.C.D/N; the text is changed and put back. */
bool parse_ip4_prefix(char *text, uint8_t ip[4], uint8_t *prefix);

#endif
