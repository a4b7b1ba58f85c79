/* SPDX-License-Identifier: MIT */
#include <netinet/in.h>

#include "socket.h"

enum lwip_ip_addr_type uk_address_type(const struct uk_socket *socket) {
    if (socket->domain == AF_INET)
        return IPADDR_TYPE_V4;
    return socket->only_ip6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY;
}

static int get4(const struct sockaddr_in *from, socklen_t length, ip_addr_t *ip, uint16_t *port) {
    if (length < sizeof *from)
        return -EINVAL;
    if (from->sin_family != AF_INET)
        return -EAFNOSUPPORT;
    ip_addr_set_ip4_u32_val(*ip, from->sin_addr.s_addr);
    *port = lwip_ntohs(from->sin_port);
    return 0;
}

#define SOCKADDR_IN6_OLD 24u /* without the scope: RFC 2133 */

static int get6(const struct uk_socket *socket, const struct sockaddr_in6 *from, socklen_t length, ip_addr_t *ip,
                uint16_t *port) {
    uint32_t words[4];
    if (from->sin6_family != AF_INET6)
        return from->sin6_family == AF_INET ? -EAFNOSUPPORT : -EINVAL;
    if (length < SOCKADDR_IN6_OLD)
        return -EINVAL;
    memcpy(words, &from->sin6_addr, sizeof words);
    *port = lwip_ntohs(from->sin6_port);
    if (words[0] == 0 && words[1] == 0 && words[2] == PP_HTONL(0xffff)) {
        ip_addr_set_ip4_u32_val(*ip, words[3]);
        return socket->only_ip6 ? -ENETUNREACH : 0;
    }
    memset(ip, 0, sizeof *ip);
    IP_SET_TYPE_VAL(*ip, IPADDR_TYPE_V6);
    memcpy(ip_2_ip6(ip)->addr, words, sizeof words);
    if (length >= sizeof *from && ip6_addr_has_scope(ip_2_ip6(ip), IP6_UNKNOWN))
        ip6_addr_set_zone(ip_2_ip6(ip), (u8_t)from->sin6_scope_id);
    return 0;
}

int uk_address_get(const struct uk_socket *socket, const struct sockaddr *from, socklen_t length, ip_addr_t *ip,
                   uint16_t *port) {
    if (length < sizeof from->sa_family)
        return -EINVAL;
    if (socket->domain == AF_INET)
        return get4((const void *)from, length, ip, port);
    return get6(socket, (const void *)from, length, ip, port);
}

int uk_address_get_peer(const struct uk_socket *socket, const struct sockaddr *from, socklen_t length, ip_addr_t *ip,
                        uint16_t *port) {
    int error = uk_address_get(socket, from, length, ip, port);
    if (error)
        return error;
    if (IP_IS_V6(ip) && ip_addr_isany(ip))
        ip_2_ip6(ip)->addr[3] = PP_HTONL(1);
    else if (ip_addr_isany(ip))
        ip_addr_set_ip4_u32_val(*ip, PP_HTONL(INADDR_LOOPBACK));
    return 0;
}

static void put4(const ip_addr_t *ip, uint16_t port, struct uk_address *to) {
    struct sockaddr_in *in = (struct sockaddr_in *)&to->storage;
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = lwip_htons(port)};
    in->sin_addr.s_addr = IP_IS_V4(ip) ? ip_2_ip4(ip)->addr : INADDR_ANY;
    to->length = sizeof *in;
}

static void put6(const ip_addr_t *ip, uint16_t port, struct uk_address *to) {
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)&to->storage;
    uint32_t words[4] = {0};
    *in = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = lwip_htons(port)};
    if (IP_IS_V6(ip)) {
        memcpy(words, ip_2_ip6(ip)->addr, sizeof words);
        in->sin6_scope_id = ip6_addr_zone(ip_2_ip6(ip));
    } else if (IP_IS_V4_VAL(*ip) && !IP_IS_ANY_TYPE_VAL(*ip)) {
        words[2] = PP_HTONL(0xffff);
        words[3] = ip_2_ip4(ip)->addr;
    }
    memcpy(&in->sin6_addr, words, sizeof words);
    to->length = sizeof *in;
}

void uk_address_put(const struct uk_socket *socket, const ip_addr_t *ip, uint16_t port, struct uk_address *to) {
    if (socket->domain == AF_INET)
        put4(ip, port, to);
    else
        put6(ip, port, to);
}

void uk_address_copy(const struct uk_address *from, void *to, socklen_t *length) {
    memcpy(to, &from->storage, from->length < *length ? from->length : *length);
    *length = from->length;
}
