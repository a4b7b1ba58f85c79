/* SPDX-License-Identifier: MIT */
/* links: examples/rest/json.c */
#include "../../examples/rest/json.h"

#include "tap.h"

static void string_is(const char *text, const char *want) {
    char got[64];
    size_t length;
    struct json j = {text, text + strlen(text)};
    bool read = json_string(&j, got, sizeof(got) - 1, &length);
    got[read ? length : 0] = '\0';
    if (want)
        is_str(read ? got : "none", want, "%s", text);
    else
        ok(!read, "no string, of %zu bytes", strlen(text));
}

static void value_is(const char *text, bool want) {
    struct json j = {text, text + strlen(text)};
    ok((json_skip(&j) && j.at == j.end) == want, "%s: %s", want ? "a value" : "no value", text);
}

static void object_is(const char *text, const char *want) {
    char got[128] = "", name[8];
    bool first = true;
    struct json j = {text, text + strlen(text)};
    bool whole = json_open(&j);
    while (whole && json_field(&j, &first, name, sizeof(name))) {
        strcat(strcat(got, name), ",");
        whole = json_skip(&j);
    }
    is_str(whole && json_end(&j) ? got : "none", want, "the fields of %s", text);
}

static void put_is(const char *text, size_t length, const char *want) {
    char bytes[64];
    struct buffer b = {bytes, 0, sizeof(bytes) - 1, false};
    json_put_string(&b, text, length);
    bytes[b.length] = '\0';
    is_str(bytes, want, "written: %s", want);
}

static void number_is(const char *text, bool want, uint32_t value) {
    uint32_t got = 0;
    struct json j = {text, text + strlen(text)};
    bool read = json_u32(&j, &got);
    ok(read == want && (!want || got == value), "number %s", text);
}

int main(void) {
    string_is(" \"abc\"", "abc");
    string_is("\"\"", "");
    string_is("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
    string_is("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    string_is("\"\xc3\xa9\xf0\x9f\x98\x80\"", "\xc3\xa9\xf0\x9f\x98\x80");
    static const char *const none[] = {
        "abc",
        "\"abc",
        "\"\\",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u123g\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\n\"",
        "\"\xc3\"",
        "\"\xc0\x80\"",
        "\"\xe0\x80\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xff\"",
        "\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
    };
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        string_is(none[i], NULL);

    static const char *const values[] = {"null",         "true",
                                         " false",       "0",
                                         "-0",           "12.5e+3",
                                         "1E9",          "[]",
                                         "[1, [2], {}]", "{\"a\": {\"b\": [null]}}",
                                         "\"x\"",        "[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]"};
    static const char *const no_values[] = {"",
                                            "nul",
                                            "01",
                                            "-",
                                            "1.",
                                            "1e",
                                            "+1",
                                            ".5",
                                            "[1,]",
                                            "[1 2]",
                                            "{\"a\"}",
                                            "{\"a\":}",
                                            "{a:1}",
                                            "{\"a\":1,}",
                                            "[",
                                            "{",
                                            "]",
                                            "'a'",
                                            "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        value_is(values[i], true);
    for (size_t i = 0; i < sizeof(no_values) / sizeof(no_values[0]); i++)
        value_is(no_values[i], false);

    object_is("{}", "");
    object_is(" { \"a\" : 1 , \"b\" : [2] } ", "a,b,");
    object_is("{\"a\":1,}", "none");
    object_is("{\"a\":1 \"b\":2}", "none");
    object_is("{,\"a\":1}", "none");
    object_is("{\"a\":1", "none");
    object_is("{\"a\"", "none");
    object_is("{\"a\":1}x", "none");
    object_is("{\"too long\":1}", "none");
    object_is("[]", "none");

    number_is("0", true, 0);
    number_is(" 4294967295", true, UINT32_MAX);
    number_is("4294967296", false, 0);
    number_is("-1", false, 0);
    number_is("01", false, 0);
    number_is("1.0", false, 0);
    number_is("x", false, 0);

    put_is("a\"\\/\b\f\n\r\t\x01\x1f\xc3\xa9", 13, "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\xc3\xa9\"");
    put_is("\0", 1, "\"\\u0000\"");
    return done_testing();
}
