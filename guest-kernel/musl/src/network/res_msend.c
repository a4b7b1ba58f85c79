/* SPDX-License-Identifier: MIT */
/*
 * Lies over the file of this name in musl's source and includes it: that one asks by UDP alone. Here an answer that says
 * that it was cut short is asked for again over TCP (RFC 7766, 5).
 */
#define __res_msend_rc ask_by_udp
#define __res_msend ask_by_udp_as_configured
#include "res_msend_udp.h"
#undef __res_msend_rc
#undef __res_msend

#define HEADER 12
#define IS_CUT 2 /* in byte 2 of an answer */

hidden int __res_msend_rc(int, const unsigned char *const *, const int *, unsigned char *const *, int *, int,
			  const struct resolvconf *);
hidden int __res_msend(int, const unsigned char *const *, const int *, unsigned char *const *, int *, int);

/* ---- a stream that is over at a certain time */

struct stream {
	int fd;
	unsigned long until; /* ms */
};

static int is_ready(const struct stream *stream, short events)
{
	struct pollfd p = {.fd = stream->fd, .events = events};
	unsigned long now = mtime();
	return now < stream->until && poll(&p, 1, stream->until - now) > 0;
}

static int send_all(const struct stream *stream, const unsigned char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = is_ready(stream, POLLOUT) ? send(stream->fd, data, size, MSG_NOSIGNAL) : -1;
		if (n <= 0)
			return -1;
		data += n;
		size -= n;
	}
	return 0;
}

static int receive_all(const struct stream *stream, unsigned char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = is_ready(stream, POLLIN) ? recv(stream->fd, data, size, 0) : -1;
		if (n <= 0)
			return -1;
		data += n;
		size -= n;
	}
	return 0;
}

/* ---- an answer that is longer than the caller's buffer ends with the last record that fits */

/* The offset behind a name; `size` or more: it is not whole. */
static int skip_name(const unsigned char *answer, int at, int size)
{
	while (at < size && answer[at] && answer[at] < 192)
		at += answer[at] + 1;
	return at < size ? at + (answer[at] ? 2 : 1) : size;
}

static int cut(unsigned char *answer, int size)
{
	int questions = answer[4] * 256 + answer[5], records = answer[6] * 256 + answer[7], at = HEADER, whole = 0, end;
	while (questions-- > 0)
		at = skip_name(answer, at, size) + 4;
	for (end = at; whole < records; whole++) {
		at = skip_name(answer, end, size);
		if (at + 10 > size || at + 10 + answer[at + 8] * 256 + answer[at + 9] > size)
			break;
		end = at + 10 + answer[at + 8] * 256 + answer[at + 9];
	}
	answer[2] |= IS_CUT;
	answer[6] = whole >> 8;
	answer[7] = whole;
	memset(answer + 8, 0, 4);
	return end < size ? end : size;
}

/* ---- one question to one server */

static int exchange(const struct stream *stream, const unsigned char *query, int qlen, unsigned char *answer, int asize)
{
	unsigned char length[2] = {qlen >> 8, qlen};
	int size, taken;
	if (send_all(stream, length, 2) || send_all(stream, query, qlen) || receive_all(stream, length, 2))
		return -1;
	size = length[0] * 256 + length[1];
	taken = size < asize ? size : asize;
	if (taken < HEADER || receive_all(stream, answer, taken) || memcmp(answer, query, 2))
		return -1;
	return size <= asize ? size : cut(answer, asize);
}

static int ask_by_tcp(const struct address *server, unsigned long until, const unsigned char *query, int qlen,
		      unsigned char *answer, int asize)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(53)};
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_scope_id = server->scopeid};
	int is6 = server->family == AF_INET6, result = -1;
	struct stream stream = {.until = until};
	memcpy(is6 ? (void *)&sin6.sin6_addr : (void *)&sin.sin_addr, server->addr, is6 ? 16 : 4);
	stream.fd = socket(server->family, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);
	if (stream.fd < 0)
		return -1;
	pthread_cleanup_push(cleanup, (void *)(intptr_t)stream.fd);
	if (connect(stream.fd, is6 ? (void *)&sin6 : (void *)&sin, is6 ? sizeof sin6 : sizeof sin) == 0 ||
	    errno == EINPROGRESS)
		result = exchange(&stream, query, qlen, answer, asize);
	pthread_cleanup_pop(1);
	return result;
}

/* What came by UDP stays if no server answers. */
static int ask_again(const struct resolvconf *conf, unsigned long until, const unsigned char *query, int qlen,
		     unsigned char *answer, int alen, int asize)
{
	unsigned char first[512];
	int kept = alen < (int)sizeof first ? alen : (int)sizeof first;
	memcpy(first, answer, kept);
	for (unsigned i = 0; i < conf->nns; i++) {
		int size = ask_by_tcp(&conf->ns[i], until, query, qlen, answer, asize);
		if (size >= 0)
			return size;
	}
	memcpy(answer, first, kept);
	return kept;
}

int __res_msend_rc(int nqueries, const unsigned char *const *queries, const int *qlens, unsigned char *const *answers,
		   int *alens, int asize, const struct resolvconf *conf)
{
	int result = ask_by_udp(nqueries, queries, qlens, answers, alens, asize, conf);
	unsigned long until = mtime() + 1000 * conf->timeout;
	for (int i = 0; result >= 0 && i < nqueries; i++)
		if (alens[i] >= HEADER && (answers[i][2] & IS_CUT))
			alens[i] = ask_again(conf, until, queries[i], qlens[i], answers[i], alens[i], asize);
	return result;
}

int __res_msend(int nqueries, const unsigned char *const *queries, const int *qlens, unsigned char *const *answers,
		int *alens, int asize)
{
	struct resolvconf conf;
	if (__get_resolv_conf(&conf, 0, 0) < 0)
		return -1;
	return __res_msend_rc(nqueries, queries, qlens, answers, alens, asize, &conf);
}
