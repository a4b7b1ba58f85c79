/* SPDX-License-Identifier: MIT */
#include "sort.h"

#include <stdbool.h>
#include <time.h>

static uint64_t now_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* volatile, so that the swaps are made and not reasoned about */
static void bubble_sort(volatile uint32_t *numbers, uint32_t size) {
    bool swapped = true;
    for (uint32_t end = size; swapped; end--) {
        swapped = false;
        for (uint32_t i = 1; i < end; i++) {
            uint32_t left = numbers[i - 1], right = numbers[i];
            if (left > right) {
                numbers[i - 1] = right;
                numbers[i] = left;
                swapped = true;
            }
        }
    }
}

uint64_t sort_reversed(uint32_t size) {
    static uint32_t numbers[SORT_MAX];
    for (uint32_t i = 0; i < size; i++)
        numbers[i] = size - i;
    uint64_t start = now_ns();
    bubble_sort(numbers, size);
    return now_ns() - start;
}
