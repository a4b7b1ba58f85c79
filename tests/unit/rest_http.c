/* SPDX-License-Identifier: MIT */
/* links: examples/rest/http.c */
#include "../../examples/rest/http.h"

#include "tap.h"

#define HOST "Host: a\r\n"

/* What the parser makes of a stream: for each request "METHOD path minor [close] body;", in the end what is left. */
static void parse_stream(const char *stream, size_t total, size_t step, size_t offset, char *summary, size_t size) {
    static char exact[HTTP_BUFFER];
    struct http_request r = {0};
    size_t fed = 0, length = 0, used = 0;
    *summary = '\0';
    while (fed < total) {
        size_t n = offset ? offset : step;
        offset = 0;
        if (n > total - fed)
            n = total - fed;
        if (n > sizeof(exact) - length)
            n = sizeof(exact) - length;
        if (n == 0) {
            snprintf(summary, size, "the buffer is full");
            return;
        }
        memcpy(exact + length, stream + fed, n);
        fed += n;
        length += n;
        int status;
        while (length > 0 && (status = http_parse(&r, exact, &length)) != HTTP_MORE) {
            used = strlen(summary);
            if (status != HTTP_COMPLETE) {
                snprintf(summary + used, size - used, "%d", status);
                return;
            }
            snprintf(summary + used, size - used, "%s %.*s %d%s [%.*s];", http_method_names[r.method],
                     (int)r.path_length, exact + r.path, r.minor, r.close ? " close" : "", (int)r.body_length,
                     exact + r.body);
            length -= r.position;
            memmove(exact, exact + r.position, length);
            r = (struct http_request){0};
        }
    }
    if (length > 0 || r.state) {
        used = strlen(summary);
        snprintf(summary + used, size - used, "more");
    }
}

/* In one piece, byte by byte, and in two pieces at every place, with the same result. */
static void is_parsed(const char *stream, const char *want, const char *name) {
    static char got[4 * HTTP_BUFFER];
    size_t total = strlen(stream);
    parse_stream(stream, total, total, 0, got, sizeof(got));
    is_str(got, want, "%s", name);
    parse_stream(stream, total, 1, 0, got, sizeof(got));
    is_str(got, want, "%s, byte by byte", name);
    size_t wrong = 0;
    for (size_t at = 1; at < total && total < 2000; at++) {
        parse_stream(stream, total, total, at, got, sizeof(got));
        wrong += strcmp(got, want) != 0;
    }
    is_u64(wrong, 0, "%s, in two pieces", name);
}

static const struct {
    const char *name, *stream, *want;
} cases[] = {
    {"GET", "GET / HTTP/1.1\r\n" HOST "\r\n", "GET / 1 [];"},
    {"HTTP/1.0 closes", "GET / HTTP/1.0\r\n\r\n", "GET / 0 close [];"},
    {"HTTP/1.0 that stays", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / 0 [];"},
    {"HTTP/1.7", "GET / HTTP/1.7\r\n" HOST "\r\n", "GET / 7 [];"},
    {"close, in a list", "GET / HTTP/1.1\r\n" HOST "connection: x, Close\r\n\r\n", "GET / 1 close [];"},
    {"a query", "GET /a/b?c=/d HTTP/1.1\r\n" HOST "\r\n", "GET /a/b 1 [];"},
    {"an absolute target", "GET http://h:80/a?b HTTP/1.1\r\n" HOST "\r\n", "GET /a 1 [];"},
    {"an absolute target without a path", "GET http://h HTTP/1.1\r\n" HOST "\r\n", "400"},
    {"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS * 1 [];"},
    {"empty lines first", "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "GET / 1 [];"},
    {"a body", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", "POST / 1 [abc];"},
    {"an empty body", "PUT / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "PUT / 1 [];"},
    {"a body with GET", "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "GET / 1 [x];"},
    {"a body not all there", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nab", "more"},
    {"chunks",
     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
     "POST / 1 [abc0123456789];"},
    {"chunks and trailers", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n00\r\nT: u\r\n\r\n",
     "POST / 1 [a];"},
    {"pipelined",
     "POST /1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" HOST
     "\r\nPOST /3 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxyGET /4 HTTP/1.0\r\n\r\n",
     "POST /1 1 [ab];GET /2 1 [];POST /3 1 [xy];GET /4 0 close [];"},

    {"no host", "GET / HTTP/1.1\r\n\r\n", "400"},
    {"two hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", "400"},
    {"HTTP/0.9", "GET /\r\n", "400"},
    {"HTTP/2", "GET / HTTP/2.0\r\n" HOST "\r\n", "505"},
    {"no version", "GET / FTP/1.1\r\n", "400"},
    {"two spaces", "GET  / HTTP/1.1\r\n", "400"},
    {"a space in the target", "GET /a b HTTP/1.1\r\n", "400"},
    {"a control character in the target", "GET /\x01 HTTP/1.1\r\n", "400"},
    {"no slash", "GET a HTTP/1.1\r\n", "400"},
    {"an unknown method", "BREW / HTTP/1.1\r\n", "501"},
    {"a method in lower case", "get / HTTP/1.1\r\n", "501"},
    {"no method", " / HTTP/1.1\r\n", "400"},
    {"no CR", "GET / HTTP/1.1\n", "400"},
    {"a space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400"},
    {"a folded field", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", "400"},
    {"a field without colon", "GET / HTTP/1.1\r\n" HOST "abc\r\n\r\n", "400"},
    {"a field without name", "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", "400"},
    {"a CR in a field", "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", "400"},
    {"no length", "POST / HTTP/1.1\r\n" HOST "\r\n", "411"},
    {"two lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", "400"},
    {"a negative length", "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", "400"},
    {"an empty length", "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", "400"},
    {"a large length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 8193\r\n\r\n", "413"},
    {"a length beyond 64 bits", "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n", "413"},
    {"length and chunks", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
    {"chunks and length", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", "400"},
    {"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
    {"another encoding", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", "501"},
    {"a large chunk", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2001\r\n", "413"},
    {"a chunk's size that is none", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x1\r\n", "400"},
    {"a chunk without size", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n\r\n", "400"},
    {"a chunk longer than its size", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "400"},
    {"an expectation", "POST / HTTP/1.1\r\n" HOST "Expect: tea\r\n", "417"},
};

/* PREFIX, `count` times FILL, SUFFIX */
static const char *build(const char *prefix, const char *fill, size_t count, const char *suffix) {
    static char text[4 * HTTP_BUFFER];
    char *at = stpcpy(text, prefix);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, fill);
    strcpy(at, suffix);
    return text;
}

static void limits(void) {
    static char want[2 * HTTP_BODY_MAX];
    strcpy(want, build("GET /", "a", HTTP_TARGET_MAX - 1, " 1 [];"));
    is_parsed(build("GET /", "a", HTTP_TARGET_MAX - 1, " HTTP/1.1\r\n" HOST "\r\n"), want, "the longest target");
    is_parsed(build("GET /", "a", HTTP_TARGET_MAX, " HTTP/1.1\r\n" HOST "\r\n"), "414", "a target too long");
    is_parsed(build("GET /", "a", HTTP_BUFFER, ""), "414", "a target without end");
    size_t rest = HTTP_HEAD_MAX - strlen("GET / HTTP/1.1\r\n" HOST "A: \r\n\r\n");
    is_parsed(build("GET / HTTP/1.1\r\n" HOST "A: ", "b", rest, "\r\n\r\n"), "GET / 1 [];", "the largest head");
    is_parsed(build("GET / HTTP/1.1\r\n" HOST "A: ", "b", rest + 1, "\r\n\r\n"), "431", "a head too large");
    is_parsed(build("GET / HTTP/1.1\r\n" HOST "A: ", "b", HTTP_BUFFER, ""), "431", "a field without end");
    is_parsed(build("GET / HTTP/1.1\r\n" HOST, "A: b\r\n", HTTP_BUFFER / 6, ""), "431", "fields without end");
    strcpy(want, build("PUT / 1 [", "x", HTTP_BODY_MAX, "];"));
    is_parsed(build("PUT / HTTP/1.1\r\n" HOST "Content-Length: 8192\r\n\r\n", "x", HTTP_BODY_MAX, ""), want,
              "the largest body");
    strcpy(want, build("PUT / 1 [", "x", HTTP_BODY_MAX, "];"));
    is_parsed(
        build("PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", HTTP_BODY_MAX, "0\r\n\r\n"),
        want, "the largest body, in chunks of a byte");
    is_parsed(build("PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", HTTP_BODY_MAX + 1,
                    "0\r\n\r\n"),
              "413", "chunks of a byte without end");
    is_parsed(build("PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1;", "x", HTTP_LINE_MAX, "\r\n"),
              "400", "a chunk's extension too long");
    is_parsed(build("", "\r\n", HTTP_BUFFER, "GET / HTTP/1.0\r\n\r\n"), "GET / 0 close [];", "empty lines without end");
}

static void expectation(void) {
    char text[] = "POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx";
    struct http_request r = {0};
    size_t length = strlen(text) - 3;
    ok(http_parse(&r, text, &length) == HTTP_MORE && !http_has_head(&r), "a head not all there is no head");
    length = strlen(text) - 1;
    ok(http_parse(&r, text, &length) == HTTP_MORE && http_has_head(&r) && r.expects_continue,
       "100-continue is expected");
    length++;
    ok(http_parse(&r, text, &length) == HTTP_COMPLETE && r.body_length == 1, "and the body follows");
}

int main(void) {
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        is_parsed(cases[i].stream, cases[i].want, cases[i].name);
    limits();
    expectation();
    return done_testing();
}
