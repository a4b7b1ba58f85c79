/* SPDX-License-Identifier: MIT */
/* The thread library of C++: each lock, wait and hand-over once, with one that gives up where there is one. */
#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tap.h"

using namespace std::chrono_literals;

namespace {

void threads() {
    std::this_thread::yield();
    ok(true, "yield");
    ok(std::this_thread::get_id() != std::thread::id(), "the first thread has an id");
    std::thread::id inner;
    std::thread thread([&] { inner = std::this_thread::get_id(); });
    const std::thread::id outer = thread.get_id();
    thread.join();
    ok(inner == outer && inner != std::this_thread::get_id(), "another thread has another id");
    ok(thread.get_id() == std::thread::id() && !thread.joinable(), "and none after join");
    ok(std::thread::hardware_concurrency() > 0, "hardware_concurrency");
    std::atomic<bool> done{false};
    std::thread([&] { done = true; }).detach();
    while (!done)
        std::this_thread::sleep_for(1ms);
    ok(true, "detach");
    try {
        thread.join();
        ok(false, "a second join fails");
    } catch (const std::system_error &error) {
        ok(error.code() == std::errc::invalid_argument, "a second join fails");
    }
    const auto before = std::chrono::steady_clock::now();
    std::this_thread::sleep_until(before + 3ms);
    ok(std::chrono::steady_clock::now() >= before + 3ms, "sleep_until");
    std::vector<std::thread> many;
    std::atomic<int> sum{0};
    for (int i = 0; i < 50; i++)
        many.emplace_back([&sum, i] { sum += i; });
    for (auto &one : many)
        one.join();
    ok(sum == 1225, "fifty threads");
    int stopped = 0;
    {
        std::jthread loop([&](std::stop_token token) {
            while (!token.stop_requested())
                std::this_thread::yield();
            stopped = 1;
        });
        std::this_thread::sleep_for(1ms);
    }
    ok(stopped == 1, "jthread is asked to stop, and joined");
}

template <class Mutex> void count_up(const char *name) {
    Mutex mutex;
    int shared = 0;
    auto add = [&] {
        for (int i = 0; i < 200; i++) {
            std::lock_guard<Mutex> lock(mutex);
            const int read = shared;
            if (i % 20 == 0)
                std::this_thread::yield();
            shared = read + 1;
        }
    };
    std::thread one(add), two(add);
    add();
    one.join();
    two.join();
    ok(shared == 600, "%s lets in one at a time", name);
    mutex.lock();
    bool taken = true;
    std::thread([&] { taken = mutex.try_lock(); }).join();
    mutex.unlock();
    ok(!taken, "%s: try_lock of a thread that does not hold it", name);
}

/* Is it refused to another thread, for as long as that asks? */
template <class Mutex> void give_up(const char *name) {
    Mutex mutex;
    mutex.lock();
    bool by_time = true, by_date = true, by_wall = true;
    std::thread([&] {
        by_time = mutex.try_lock_for(2ms);
        by_date = mutex.try_lock_until(std::chrono::steady_clock::now() + 2ms);
        by_wall = mutex.try_lock_until(std::chrono::system_clock::now() + 2ms);
    }).join();
    mutex.unlock();
    ok(!by_time && !by_date && !by_wall, "%s gives up", name);
    std::thread([&] {
        by_time = mutex.try_lock_for(1ms);
        mutex.unlock();
    }).join();
    ok(by_time, "%s is taken in time", name);
}

template <class Mutex> void twice(const char *name) {
    Mutex mutex;
    mutex.lock();
    ok(mutex.try_lock(), "%s is taken twice", name);
    mutex.unlock();
    bool taken = true;
    std::thread([&] { taken = mutex.try_lock(); }).join();
    ok(!taken, "%s is still held after one unlock", name);
    mutex.unlock();
    std::thread([&] {
        taken = mutex.try_lock();
        mutex.unlock();
    }).join();
    ok(taken, "%s is free after two", name);
}

template <class Mutex> void readers(const char *name) {
    Mutex mutex;
    mutex.lock_shared();
    bool reader = false, writer = true;
    std::thread([&] {
        reader = mutex.try_lock_shared();
        mutex.unlock_shared();
        writer = mutex.try_lock();
    }).join();
    mutex.unlock_shared();
    ok(reader && !writer, "%s: readers keep out writers", name);
    mutex.lock();
    std::thread([&] { reader = mutex.try_lock_shared(); }).join();
    mutex.unlock();
    ok(!reader, "%s: a writer keeps out readers", name);
}

void mutexes() {
    count_up<std::mutex>("mutex");
    count_up<std::timed_mutex>("timed_mutex");
    count_up<std::recursive_mutex>("recursive_mutex");
    count_up<std::recursive_timed_mutex>("recursive_timed_mutex");
    count_up<std::shared_mutex>("shared_mutex");
    count_up<std::shared_timed_mutex>("shared_timed_mutex");
    give_up<std::timed_mutex>("timed_mutex");
    give_up<std::recursive_timed_mutex>("recursive_timed_mutex");
    give_up<std::shared_timed_mutex>("shared_timed_mutex");
    twice<std::recursive_mutex>("recursive_mutex");
    twice<std::recursive_timed_mutex>("recursive_timed_mutex");
    readers<std::shared_mutex>("shared_mutex");
    readers<std::shared_timed_mutex>("shared_timed_mutex");
    std::shared_timed_mutex shared;
    shared.lock();
    bool taken = true;
    std::thread([&] { taken = shared.try_lock_shared_for(2ms); }).join();
    shared.unlock();
    ok(!taken, "shared_timed_mutex: a reader gives up");
    std::mutex one, two;
    {
        std::scoped_lock both(one, two);
        ok(true, "scoped_lock of two");
    }
    std::unique_lock<std::mutex> first(one, std::defer_lock), second(two, std::defer_lock);
    std::lock(first, second);
    ok(first.owns_lock() && second.owns_lock(), "lock of two");
    ok(std::try_lock(one, two) == 0, "try_lock says which one failed");
}

void conditions() {
    std::mutex mutex;
    std::condition_variable condition;
    bool ready = false;
    std::thread waker([&] {
        std::lock_guard<std::mutex> lock(mutex);
        ready = true;
        condition.notify_one();
    });
    std::unique_lock<std::mutex> lock(mutex);
    condition.wait(lock, [&] { return ready; });
    ok(ready && lock.owns_lock(), "condition_variable wakes");
    ok(condition.wait_for(lock, 2ms) == std::cv_status::timeout, "and gives up");
    ok(!condition.wait_until(lock, std::chrono::system_clock::now() + 2ms, [] { return false; }), "by the wall clock");
    ok(!condition.wait_until(lock, std::chrono::steady_clock::now() + 2ms, [] { return false; }), "by the steady one");
    lock.unlock();
    waker.join();
    std::shared_mutex shared;
    std::condition_variable_any any;
    std::atomic<int> passed{0};
    bool open = false;
    auto pass = [&] {
        std::shared_lock<std::shared_mutex> reader(shared);
        any.wait(reader, [&] { return open; });
        passed++;
    };
    std::thread one(pass), two(pass);
    shared.lock();
    open = true;
    shared.unlock();
    any.notify_all();
    one.join();
    two.join();
    ok(passed == 2, "condition_variable_any with shared_lock");
    std::stop_source source;
    std::thread stopper([&] { source.request_stop(); });
    std::unique_lock<std::shared_mutex> writer(shared);
    ok(!any.wait(writer, source.get_token(), [] { return false; }), "a wait that is asked to stop");
    writer.unlock();
    stopper.join();
    std::thread at_exit([&] {
        std::unique_lock<std::mutex> held(mutex);
        std::notify_all_at_thread_exit(condition, std::move(held));
        ready = false;
    });
    lock.lock();
    condition.wait(lock, [&] { return !ready; });
    ok(!ready, "notify_all_at_thread_exit");
    lock.unlock();
    at_exit.join();
}

void futures() {
    std::promise<int> promise;
    auto future = promise.get_future();
    ok(future.wait_for(1ms) == std::future_status::timeout, "a future that is not ready");
    std::thread([&] { promise.set_value(5); }).join();
    ok(future.get() == 5, "a promise kept");
    std::promise<void> failing;
    failing.set_exception(std::make_exception_ptr(std::out_of_range("far")));
    try {
        failing.get_future().get();
        ok(false, "a promise of an exception");
    } catch (const std::out_of_range &error) {
        is_str(error.what(), "far", "a promise of an exception");
    }
    try {
        std::future<int> orphan;
        {
            std::promise<int> broken;
            orphan = broken.get_future();
        }
        orphan.get();
        ok(false, "a broken promise");
    } catch (const std::future_error &error) {
        ok(error.code() == std::future_errc::broken_promise, "a broken promise");
    }
    auto eager = std::async(std::launch::async, [] { return std::this_thread::get_id(); });
    ok(eager.get() != std::this_thread::get_id(), "async in a thread");
    auto lazy = std::async(std::launch::deferred, [] { return std::this_thread::get_id(); });
    ok(lazy.wait_for(0s) == std::future_status::deferred, "async that waits to be asked");
    ok(lazy.get() == std::this_thread::get_id(), "runs where it is asked");
    std::packaged_task<int(int)> task([](int n) { return n * 2; });
    auto result = task.get_future().share();
    std::thread(std::move(task), 21).join();
    ok(result.get() == 42 && result.get() == 42, "packaged_task, and a shared_future read twice");
    std::promise<int> late;
    auto at_exit = late.get_future();
    std::thread([&] { late.set_value_at_thread_exit(3); }).join();
    ok(at_exit.get() == 3, "set_value_at_thread_exit");
    auto thrown = std::async(std::launch::async, []() -> int { throw std::string("thrown"); });
    try {
        thrown.get();
        ok(false, "an exception crosses from thread to thread");
    } catch (const std::string &what) {
        ok(what == "thrown", "an exception crosses from thread to thread");
    }
}

void once() {
    std::once_flag flag;
    int calls = 0;
    for (int i = 0; i < 2; i++)
        try {
            std::call_once(flag, [&] {
                calls++;
                throw 1;
            });
        } catch (int) {
        }
    std::thread one([&] { std::call_once(flag, [&] { calls += 10; }); });
    std::thread two([&] { std::call_once(flag, [&] { calls += 10; }); });
    one.join();
    two.join();
    ok(calls == 12, "call_once: again after an exception, and then never");
}

void atomics() {
    std::atomic<int> value{0};
    std::atomic_flag flag{};
    std::thread waker([&] {
        value = 1;
        value.notify_all();
        flag.test_and_set();
        flag.notify_one();
    });
    value.wait(0);
    flag.wait(false);
    waker.join();
    ok(value == 1 && flag.test(), "atomic wait and notify");
    std::atomic<char> small{0}; /* not the size of a futex */
    std::thread other([&] {
        small = 1;
        small.notify_one();
    });
    small.wait(0);
    other.join();
    ok(small == 1, "of a byte");
    std::atomic<std::shared_ptr<int>> pointer{std::make_shared<int>(4)};
    pointer.store(std::make_shared<int>(5));
    ok(*pointer.load() == 5, "an atomic shared_ptr");
    std::counting_semaphore<4> semaphore(0);
    std::thread poster([&] { semaphore.release(2); });
    semaphore.acquire();
    semaphore.acquire();
    poster.join();
    ok(!semaphore.try_acquire() && !semaphore.try_acquire_for(2ms), "counting_semaphore");
    std::latch latch(2);
    std::thread arriver([&] { latch.arrive_and_wait(); });
    latch.arrive_and_wait();
    arriver.join();
    ok(latch.try_wait(), "latch");
    int rounds = 0;
    auto count = [&]() noexcept { rounds++; };
    std::barrier barrier(2, count);
    auto work = [&] {
        for (int i = 0; i < 3; i++)
            barrier.arrive_and_wait();
    };
    std::thread worker(work);
    work();
    worker.join();
    ok(rounds == 3, "barrier");
    std::atomic_ref<int> reference(rounds);
    reference += 4;
    ok(rounds == 7, "atomic_ref");
    std::atomic_signal_fence(std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

std::atomic<int> balance, serial;
struct counted {
    int number = ++serial;
    counted() {
        balance++;
    }
    ~counted() {
        balance--;
    }
};
thread_local std::string name = "first";
counted &one_for_each() {
    thread_local counted one;
    return one;
}

void locals() {
    std::thread([] {
        name = "second, with a string too long for the object itself";
        ok(one_for_each().number == 1 && balance == 1, "thread_local is made at its first use");
    }).join();
    ok(balance == 0, "and destroyed with its thread");
    is_str(name.c_str(), "first", "the first thread has its own");
    std::vector<std::thread> many;
    std::atomic<int> right{0};
    for (int i = 0; i < 20; i++)
        many.emplace_back([i, &right] {
            name = std::to_string(i);
            std::this_thread::yield();
            right += name == std::to_string(i) && one_for_each().number > 1;
        });
    for (auto &thread : many)
        thread.join();
    ok(right == 20 && balance == 0, "as have twenty others");
}

} // namespace

int main() {
    threads();
    mutexes();
    conditions();
    futures();
    once();
    atomics();
    locals();
    return done_testing();
}
