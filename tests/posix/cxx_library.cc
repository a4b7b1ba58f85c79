/* SPDX-License-Identifier: MIT */
/* What the library of C++ takes from a C library, beside threads: streams, locales, files, time, memory. */
#include <algorithm>
#include <any>
#include <array>
#include <bitset>
#include <charconv>
#include <chrono>
#include <cmath>
#include <codecvt>
#include <complex>
#include <coroutine>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <locale>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <numeric>
#include <optional>
#include <random>
#include <ranges>
#include <regex>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <syncstream>
#include <system_error>
#include <typeinfo>
#include <unordered_map>
#include <valarray>
#include <variant>

#include "tap.h"

namespace fs = std::filesystem;

namespace {

template <class... Parts> std::string text(Parts &&...parts) {
    std::ostringstream stream;
    (stream << ... << parts);
    return stream.str();
}

void streams() {
    is_str(text(42, ' ', -7L, ' ', 1.5, ' ', true, ' ', 'c', ' ', 1e100).c_str(), "42 -7 1.5 1 c 1e+100", "numbers");
    is_str(text(std::hex, 255, std::showbase, std::oct, 8, std::boolalpha, false).c_str(), "ff010false", "their bases");
    is_str(text(std::setw(6), std::setfill('*'), 12, std::left, std::setw(4), 3, '|').c_str(), "****123***|", "width");
    is_str(text(std::fixed, std::setprecision(2), 2.0 / 3, ' ', std::scientific, 12345.678).c_str(), "0.67 1.23e+04",
           "precision");
    is_str(text(std::hexfloat, 0.5, ' ', std::defaultfloat, 1.0L / 3).c_str(), "0x1p-1 0.333333", "hexfloat, long double");
    std::istringstream in("12 0x1f 2.5e3 word true \xc3\xa9");
    int decimal, hex;
    double real;
    std::string word, letter;
    bool flag;
    in >> decimal >> std::hex >> hex >> real >> word >> std::boolalpha >> flag >> letter;
    ok(decimal == 12 && hex == 31 && real == 2500 && word == "word" && flag && letter == "\xc3\xa9", "reading them");
    ok(!(in >> word) && in.eof() && in.fail(), "the end of a stream");
    in.clear();
    in.exceptions(std::ios::failbit);
    try {
        in >> decimal;
        ok(false, "a stream that throws");
    } catch (const std::ios_base::failure &error) {
        ok(error.code() == std::io_errc::stream, "a stream that throws");
    }
    std::wostringstream wide;
    wide << L"wide " << 3 << L' ' << 2.5;
    ok(wide.str() == L"wide 3 2.5", "wide characters");
    std::ostringstream whole;
    std::osyncstream(whole) << "osync" << "stream";
    is_str(whole.str().c_str(), "osyncstream", "osyncstream");
    std::ostringstream date;
    std::tm tm{};
    tm.tm_year = 126, tm.tm_mon = 10, tm.tm_mday = 29, tm.tm_wday = 0, tm.tm_hour = 7;
    date << std::put_time(&tm, "%Y-%m-%d %H:%M:%S %a %b %p");
    is_str(date.str().c_str(), "2026-11-29 07:00:00 Sun Nov AM", "put_time");
    std::istringstream date_in("2026-11-29 07:08:09");
    date_in >> std::get_time(&tm, "%Y-%m-%d %H:%M:%S");
    ok(date_in && tm.tm_mday == 29 && tm.tm_sec == 9, "get_time");
    std::ostringstream quoted;
    quoted << std::quoted("a \"b\"") << std::put_money(1234.0L);
    is_str(quoted.str().c_str(), "\"a \\\"b\\\"\"1234", "quoted, put_money");
    std::cerr << std::flush;
    std::clog << std::flush;
    std::wcerr << std::flush;
    ok(std::cout.good() && std::cerr.good() && std::ios::sync_with_stdio(false), "the streams of the program");
}

void locales() {
    const std::locale &classic = std::locale::classic();
    is_str(classic.name().c_str(), "C", "the classic locale");
    ok(std::isalpha('x', classic) && !std::isalpha('1', classic) && std::isxdigit('f', classic) &&
           std::isspace('\t', classic) && std::ispunct('!', classic),
       "classes of characters");
    ok(std::toupper('q', classic) == 'Q' && std::tolower(L'Q', classic) == L'q', "upper and lower");
    ok(std::isupper(L'Q', classic) && !std::isdigit(L'Q', classic), "wide classes");
    const auto &collate = std::use_facet<std::collate<char>>(classic);
    const std::string a = "apple", b = "banana";
    ok(collate.compare(a.data(), a.data() + a.size(), b.data(), b.data() + b.size()) < 0, "collate");
    ok(collate.transform(a.data(), a.data() + a.size()) < collate.transform(b.data(), b.data() + b.size()), "transform");
    struct grouped : std::numpunct<char> {
        char do_thousands_sep() const override { return '\''; }
        std::string do_grouping() const override { return "\3"; }
        char do_decimal_point() const override { return ','; }
    };
    std::ostringstream swiss;
    swiss.imbue(std::locale(classic, new grouped));
    swiss << 1234567 << ' ' << 2.5;
    is_str(swiss.str().c_str(), "1'234'567 2,5", "a facet of the program");
    std::locale utf8("C.UTF-8");
    ok(std::use_facet<std::numpunct<char>>(utf8).decimal_point() == '.', "C.UTF-8 has a point");
    const auto &codecvt = std::use_facet<std::codecvt<wchar_t, char, std::mbstate_t>>(utf8);
    std::mbstate_t state{};
    const char bytes[] = "\xc3\xa9\xe2\x82\xac";
    wchar_t wide[4] = {};
    const char *from;
    wchar_t *to;
    codecvt.in(state, bytes, bytes + 5, from, wide, wide + 4, to);
    ok(to - wide == 2 && wide[0] == 0xe9 && wide[1] == 0x20ac, "and decodes it");
    ok(std::use_facet<std::ctype<wchar_t>>(utf8).is(std::ctype_base::alpha, L'\xe9'), "and knows its letters");
    std::tm tm{};
    tm.tm_year = 100;
    std::wostringstream date;
    date.imbue(utf8);
    date << std::put_time(&tm, L"%Y %B %A");
    ok(date.str() == L"2000 January Sunday", "and names of its months, wide");
    try {
        std::locale none("no_SUCH.locale\n");
        ok(true, "a locale that may not be there");
    } catch (const std::runtime_error &) {
        ok(true, "a locale that may not be there");
    }
    std::wstring_convert<std::codecvt_utf8_utf16<char16_t>, char16_t> convert;
    ok(convert.from_bytes("\xf0\x9f\x98\x80").size() == 2, "UTF-16");
}

void numbers() {
    ok(std::stoi("-12") == -12 && std::stoul("ff", nullptr, 16) == 255 && std::stod("2.5") == 2.5, "from strings");
    try {
        (void)std::stoi("99999999999");
        ok(false, "a number that is too large");
    } catch (const std::out_of_range &) {
        ok(true, "a number that is too large");
    }
    is_str((std::to_string(3.25) + std::to_string(7u)).c_str(), "3.2500007", "to_string");
    char buffer[64];
    auto end = std::to_chars(buffer, buffer + sizeof buffer, 0.1).ptr;
    is_str(std::string(buffer, end).c_str(), "0.1", "to_chars of the shortest");
    end = std::to_chars(buffer, buffer + sizeof buffer, 1.0L / 3, std::chars_format::fixed, 5).ptr;
    is_str(std::string(buffer, end).c_str(), "0.33333", "of a long double");
    double value = 0;
    const std::string_view source = "1.25e2x";
    const auto parsed = std::from_chars(source.data(), source.data() + source.size(), value);
    ok(value == 125 && *parsed.ptr == 'x', "from_chars");
    std::mt19937_64 twister(5489);
    twister.discard(9999);
    ok(twister() == 9981545732273789042u, "mt19937_64");
    std::random_device device, named("/dev/urandom"), call("getentropy"), other("arc4random");
    ok(device() != device() || device() != device(), "random_device");
    ok(named() != call() || other() != call(), "by name");
    ok(std::abs(std::complex<double>(3, 4)) == 5 && std::lgamma(1.0) == 0 && std::hypot(2., 3., 6.) == 7, "mathematics");
    ok(std::fabs(std::cyl_bessel_j(0, 1.0) - 0.7651976865579666) < 1e-9 && std::riemann_zeta(2.0) > 1.644, "special functions");
    std::valarray<double> array{1, 4, 9};
    ok(std::sqrt(array).sum() == 6, "valarray");
}

void patterns() {
    std::smatch match;
    const std::string line = "key = value # comment";
    ok(std::regex_match(line, match, std::regex(R"(\s*(\w+)\s*=\s*(\w+)\s*(#.*)?)")) && match[2] == "value", "regex");
    is_str(std::regex_replace("a1b22", std::regex("[[:digit:]]+"), "<$&>").c_str(), "a<1>b<22>", "replace");
    ok(std::regex_search("GRÜN", std::regex("gr", std::regex::icase)), "icase");
    ok(std::regex_match("aab", std::regex("a*b", std::regex::extended)), "extended");
    try {
        std::regex bad("(");
        ok(false, "a bad pattern");
    } catch (const std::regex_error &error) {
        ok(error.code() == std::regex_constants::error_paren, "a bad pattern");
    }
}

void files() {
    const fs::path folder = fs::temp_directory_path() / "ukvm-cxx-test";
    fs::remove_all(folder);
    ok(fs::create_directories(folder / "a" / "b"), "create_directories");
    std::ofstream(folder / "a" / "file", std::ios::binary) << "some text\n" << std::string(100000, 'x');
    ok(fs::file_size(folder / "a" / "file") == 100010, "file_size");
    ok(fs::copy_file(folder / "a" / "file", folder / "copy") && fs::file_size(folder / "copy") == 100010, "copy_file");
    fs::create_symlink("copy", folder / "link");
    ok(fs::is_symlink(folder / "link") && fs::read_symlink(folder / "link") == "copy", "symlinks");
    ok(fs::canonical(folder / "a" / ".." / "link") == fs::canonical(folder) / "copy", "canonical");
    ok(fs::equivalent(folder / "link", folder / "copy"), "equivalent");
    fs::create_hard_link(folder / "copy", folder / "hard");
    ok(fs::hard_link_count(folder / "copy") == 2, "hard links");
    fs::rename(folder / "hard", folder / "renamed");
    ok(fs::exists(folder / "renamed") && !fs::exists(folder / "hard"), "rename");
    fs::resize_file(folder / "renamed", 5);
    std::ifstream in(folder / "copy");
    std::string content;
    std::getline(in, content);
    is_str(content.c_str(), "some ", "resize_file");
    fs::permissions(folder / "copy", fs::perms::owner_read);
    ok(fs::status(folder / "copy").permissions() == fs::perms::owner_read, "permissions");
    const auto time = fs::file_time_type::clock::now() - std::chrono::hours(5);
    fs::last_write_time(folder / "a", time);
    ok(fs::last_write_time(folder / "a") - time < std::chrono::milliseconds(1), "last_write_time");
    std::set<std::string> names;
    for (const auto &entry : fs::recursive_directory_iterator(folder))
        names.insert(entry.path().lexically_relative(folder).string() + (entry.is_directory() ? "/" : ""));
    ok(names == std::set<std::string>{"a/", "a/b/", "a/file", "copy", "link", "renamed"}, "directory iterators");
    fs::copy(folder / "a", folder / "c", fs::copy_options::recursive);
    ok(fs::exists(folder / "c" / "b") && fs::exists(folder / "c" / "file"), "copy of a folder");
    std::error_code error;
    fs::remove(folder / "a", error);
    ok(error == std::errc::directory_not_empty, "an error as a code");
    try {
        (void)fs::file_size(folder / "none");
        ok(false, "an error as an exception");
    } catch (const fs::filesystem_error &failed) {
        ok(failed.code() == std::errc::no_such_file_or_directory && failed.path1() == folder / "none",
           "an error as an exception");
    }
    const fs::path before = fs::current_path();
    fs::current_path(folder);
    ok(fs::exists("copy") && fs::absolute("copy") == fs::current_path() / "copy", "current_path");
    fs::current_path(before);
    ok(fs::space(folder).capacity > 0, "space");
    std::fstream both(folder / "both", std::ios::in | std::ios::out | std::ios::trunc);
    both << "one two three";
    both.seekg(4);
    both >> content;
    both.seekp(0);
    both << "ONE";
    both.seekg(0);
    std::getline(both, content);
    is_str(content.c_str(), "ONE two three", "reading and writing one file");
    std::wofstream wide(folder / "wide");
    wide.imbue(std::locale("C.UTF-8"));
    wide << L"\xe9\x20ac";
    wide.close();
    ok(fs::file_size(folder / "wide") == 5, "a file of wide characters");
    ok(!std::ifstream(folder / "none").is_open(), "a file that is not there");
    ok(fs::remove_all(folder) >= 9 && !fs::exists(folder), "remove_all");
}

void times() {
    using namespace std::chrono;
    ok(system_clock::to_time_t(sys_days{2026y / November / 29}) == 1795910400, "the calendar");
    ok(year_month_weekday{sys_days{2026y / November / 29}}.weekday() == Sunday, "weekdays");
    ok(system_clock::now() > sys_days{2020y / January / 1}, "the wall clock");
    const auto before = steady_clock::now(), after = steady_clock::now();
    ok(after >= before && high_resolution_clock::now().time_since_epoch().count() > 0, "the steady clock");
    ok(duration_cast<hours>(days(2)) == 48h && 1.5s > 1400ms, "durations");
}

struct generator {
    struct promise_type {
        int value = 0;
        generator get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(int next) {
            value = next;
            return {};
        }
        void return_void() {}
        void unhandled_exception() { throw; }
    };
    std::coroutine_handle<promise_type> handle;
    ~generator() { handle.destroy(); }
};

generator count(int to) {
    for (int i = 0; i < to; i++)
        co_yield i;
    throw std::runtime_error("over");
}

void language() {
    generator three = count(3);
    int sum = 0;
    try {
        for (three.handle.resume(); !three.handle.done(); three.handle.resume())
            sum += three.handle.promise().value;
    } catch (const std::runtime_error &error) {
        is_str(error.what(), "over", "an exception leaves a coroutine");
    }
    ok(sum == 3, "a coroutine");
    struct base {
        virtual ~base() = default;
    };
    struct derived : base {};
    derived object;
    base &reference = object, plain = base();
    ok(dynamic_cast<derived *>(&reference) && typeid(reference) == typeid(derived), "run-time types");
    try {
        (void)dynamic_cast<derived &>(plain);
        ok(false, "bad_cast");
    } catch (const std::bad_cast &) {
        ok(true, "bad_cast");
    }
    try {
        try {
            throw std::logic_error("inner");
        } catch (...) {
            std::throw_with_nested(std::runtime_error("outer"));
        }
    } catch (const std::exception &outer) {
        try {
            std::rethrow_if_nested(outer);
        } catch (const std::logic_error &inner) {
            is_str(inner.what(), "inner", "nested exceptions");
        }
    }
    struct counting {
        int before = std::uncaught_exceptions();
        int *found;
        ~counting() { *found = std::uncaught_exceptions() - before; }
    };
    int found = 0;
    try {
        counting during{.found = &found};
        throw 1;
    } catch (int) {
    }
    ok(found == 1 && std::uncaught_exceptions() == 0, "uncaught_exceptions");
    is_str(std::generic_category().message(ENOENT).c_str(), "No such file or directory", "the text of an error");
    int numbers[] = {3, 1, 2};
    try {
        qsort(numbers, 3, sizeof *numbers, [](const void *, const void *) -> int { throw 7; });
    } catch (int thrown) {
        ok(thrown == 7, "an exception through qsort");
    }
    try {
        bsearch(numbers, numbers, 3, sizeof *numbers, [](const void *, const void *) -> int { throw 8; });
    } catch (int thrown) {
        ok(thrown == 8, "through bsearch");
    }
}

void memory() {
    try {
        volatile size_t much = SIZE_MAX / 4;
        static char *volatile kept;
        kept = new char[much];
        delete[] kept;
        ok(false, "bad_alloc");
    } catch (const std::bad_alloc &) {
        ok(true, "bad_alloc");
    }
    struct alignas(256) wide {
        char bytes[256];
    };
    auto aligned = std::make_unique<wide[]>(3);
    ok(reinterpret_cast<uintptr_t>(aligned.get()) % 256 == 0, "aligned new");
    ok(std::aligned_alloc(64, 128) != nullptr, "aligned_alloc");
    std::pmr::unsynchronized_pool_resource pool;
    std::pmr::monotonic_buffer_resource arena(&pool);
    std::pmr::vector<std::pmr::string> words(&arena);
    for (int i = 0; i < 1000; i++)
        words.emplace_back("a string that is longer than those inside the object");
    std::pmr::synchronized_pool_resource locked;
    std::pmr::unordered_map<int, std::pmr::string> map(&locked);
    map[1] = "one";
    ok(words.size() == 1000 && words.back().size() == 52 && map[1] == "one", "memory resources");
    auto shared = std::make_shared<std::string>("shared");
    std::weak_ptr<std::string> weak = shared;
    auto second = shared;
    ok(shared.use_count() == 2 && weak.lock() == second, "shared_ptr");
    shared.reset(), second.reset();
    ok(weak.expired(), "weak_ptr");
    std::any any = std::string("any");
    std::variant<int, std::string> variant = "text";
    std::function<int(int)> function = [&](int n) { return n + static_cast<int>(std::get<1>(variant).size()); };
    ok(std::any_cast<std::string>(any) == "any" && function(1) == 5, "any, variant, function");
    try {
        (void)std::get<0>(variant);
        ok(false, "bad_variant_access");
    } catch (const std::bad_variant_access &) {
        ok(true, "bad_variant_access");
    }
    auto squares = std::views::iota(1, 5) | std::views::transform([](int n) { return n * n; });
    ok(std::accumulate(squares.begin(), squares.end(), 0) == 30, "ranges");
}

} // namespace

int main() {
    streams();
    locales();
    numbers();
    patterns();
    files();
    times();
    language();
    memory();
    return done_testing();
}
