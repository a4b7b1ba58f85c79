/* SPDX-License-Identifier: MIT */
/* OpenMP's directives: what they compute is the same whatever the number of threads. */
#include <omp.h>
#include <stdio.h>

#define N 1000

static long values[N];
static int first;
#pragma omp threadprivate(first)

static long fibonacci(int n) {
    long a, b;
    if (n < 2)
        return n;
#pragma omp task shared(a)
    a = fibonacci(n - 1);
#pragma omp task shared(b)
    b = fibonacci(n - 2);
#pragma omp taskwait
    return a + b;
}

static void loops(void) {
    long sum = 0, product = 1, last = 0;
#pragma omp parallel for reduction(+ : sum)
    for (int i = 0; i < N; i++)
        sum += values[i] = i;
    printf("sum %ld\n", sum);
#pragma omp parallel for schedule(dynamic, 7) reduction(+ : sum)
    for (int i = N - 1; i >= 0; i -= 3)
        sum += values[i];
#pragma omp parallel for schedule(guided) lastprivate(last) reduction(max : product)
    for (int i = 0; i < N; i++) {
        last = i;
        product = product > values[i] ? product : values[i];
    }
    printf("sum %ld last %ld max %ld\n", sum, last, product);
#pragma omp parallel for schedule(runtime) collapse(2) reduction(+ : sum)
    for (unsigned long i = 0; i < 10; i++)
        for (unsigned long j = 0; j < 10; j++)
            sum += (long)(i * j);
    printf("sum %ld\n", sum);
#pragma omp parallel
    {
#pragma omp for schedule(dynamic) nowait
        for (unsigned long long i = 0; i < N; i++)
            values[i] *= 2;
#pragma omp for ordered schedule(dynamic)
        for (int i = 0; i < 4; i++) {
#pragma omp ordered
            printf("in order %d\n", i);
        }
    }
#pragma omp parallel for simd reduction(+ : sum)
    for (int i = 0; i < N; i++)
        sum += values[i];
    printf("sum %ld\n", sum);
#pragma omp parallel for ordered(1) schedule(dynamic)
    for (int i = 1; i < N; i++) {
#pragma omp ordered depend(sink : i - 1)
        values[i] += values[i - 1];
#pragma omp ordered depend(source)
    }
    printf("prefix %ld\n", values[N - 1]);
}

static void regions(void) {
    int once = 0, many = 0, sections = 0, copied = 0;
    first = 5;
#pragma omp parallel copyin(first) reduction(+ : copied)
    {
#pragma omp single
        once++;
#pragma omp critical
        many++;
#pragma omp critical(named)
        many++;
#pragma omp atomic
        many += 2;
#pragma omp barrier
#pragma omp sections reduction(+ : sections)
        {
#pragma omp section
            sections += 1;
#pragma omp section
            sections += 10;
#pragma omp section
            sections += 100;
        }
#pragma omp master
        copied += first;
    }
#pragma omp parallel sections reduction(+ : sections)
    {
#pragma omp section
        sections += 1000;
#pragma omp section
        sections += 10000;
    }
    printf("once %d, each %d, sections %d, copied %d\n", once, many % 4, sections, copied);
}

static void tasks(void) {
    long result = 0, sum = 0;
    int order[3] = {0}, at = 0;
#pragma omp parallel
#pragma omp single
    {
        result = fibonacci(12);
#pragma omp task depend(out : order)
        order[0] = ++at;
#pragma omp task depend(inout : order)
        order[1] = ++at;
#pragma omp task depend(in : order)
        order[2] = ++at;
#pragma omp taskwait
#pragma omp taskgroup
        {
#pragma omp taskloop grainsize(10)
            for (int i = 0; i < 100; i++) {
#pragma omp atomic
                sum += i;
            }
        }
    }
    printf("fibonacci %ld, order %d%d%d, taskloop %ld\n", result, order[0], order[1], order[2], sum);
}

static void calls(void) {
    omp_lock_t lock;
    omp_nest_lock_t nest;
    omp_init_lock(&lock);
    omp_set_lock(&lock);
    printf("lock %d", omp_test_lock(&lock));
    omp_unset_lock(&lock);
    printf("%d\n", omp_test_lock(&lock));
    omp_destroy_lock(&lock);
    omp_init_nest_lock(&nest);
    omp_set_nest_lock(&nest);
    printf("nest %d\n", omp_test_nest_lock(&nest));
    omp_destroy_nest_lock(&nest);
    int right = 0;
#pragma omp parallel reduction(+ : right)
    right += omp_get_thread_num() < omp_get_num_threads() && omp_get_level() == 1;
    printf("teams %d, time %d\n", right > 0 && right <= omp_get_max_threads(),
           omp_get_wtime() > 0 && omp_get_wtick() > 0);
    int target = 0;
#pragma omp target map(tofrom : target)
    target = 7 + omp_is_initial_device();
    printf("target %d\n", target);
}

int main(void) {
    loops();
    regions();
    tasks();
    calls();
    return 0;
}
