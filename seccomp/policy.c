/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include <liburing.h>
#include <linux/kvm.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#define ENTER_FLAGS (IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | IORING_ENTER_REGISTERED_RING)
#define REPORT_MAX 8192u

/* clang-format off */
const struct policy_syscall policy_syscalls[] = {
    {"ioctl", SYS_ioctl, POLICY_ALWAYS, "run the guest",
     {{0, "descriptor", POLICY_EQUAL, POLICY_VCPU_FD, 0},
      {1, "request", POLICY_EQUAL, POLICY_CONSTANT, KVM_RUN},
      {2, "argument", POLICY_EQUAL, POLICY_CONSTANT, 0}}, 3},
    {"io_uring_enter", SYS_io_uring_enter, POLICY_ALWAYS, "console and device I/O, and sleeping until there is some",
     {{0, "ring", POLICY_EQUAL, POLICY_RING_FD, 0},
      {1, "to_submit", POLICY_AT_MOST, POLICY_RING_SLOTS, 0},
      {2, "min_complete", POLICY_AT_MOST, POLICY_CONSTANT, 1},
      {3, "flags", POLICY_NO_BITS_BUT, POLICY_CONSTANT, ENTER_FLAGS}}, 4},
    {"madvise", SYS_madvise, POLICY_ALWAYS, "give guest memory back to the host (MEM_RETURN)",
     {{0, "address", POLICY_WITHIN_BLOCK, POLICY_RAM_BLOCK, POLICY_RAM_SIZE},
      {1, "length", POLICY_AT_MOST, POLICY_RAM_SIZE, 0},
      {2, "advice", POLICY_EQUAL, POLICY_CONSTANT, MADV_DONTNEED}}, 3},
    {"write", SYS_write, POLICY_ALWAYS, "say what went wrong in the monitor itself, and --trace",
     {{0, "descriptor", POLICY_EQUAL, POLICY_CONSTANT, 2},
      {2, "count", POLICY_AT_MOST, POLICY_CONSTANT, REPORT_MAX}}, 2},
    {"pread64", SYS_pread64, POLICY_ALWAYS, "names for a fault report, from the image's symbol table",
     {{0, "descriptor", POLICY_EQUAL, POLICY_IMAGE_FD, 0},
      {2, "count", POLICY_AT_MOST, POLICY_CONSTANT, REPORT_MAX}}, 2},
    {"clock_gettime", SYS_clock_gettime, POLICY_TRACE, "times in --trace, where the vDSO has no clock",
     {{0, "clock", POLICY_EQUAL, POLICY_CONSTANT, CLOCK_MONOTONIC}}, 1},
    {"exit_group", SYS_exit_group, POLICY_ALWAYS, "end, with a status of one byte",
     {{0, "status", POLICY_AT_MOST, POLICY_CONSTANT, 255}}, 1},
};

const struct policy_opcode policy_opcodes[] = {
    {"WRITE_FIXED", IORING_OP_WRITE_FIXED, POLICY_ALWAYS, "console output, block writes, sent frames"},
    {"POLL_ADD", IORING_OP_POLL_ADD, POLICY_ALWAYS, "notice SIGTERM, SIGINT and console input"},
    {"READ_FIXED", IORING_OP_READ_FIXED, POLICY_ALWAYS, "console input, block reads, received frames, taking a signal for the guest"},
    {"FSYNC", IORING_OP_FSYNC, POLICY_BLK_READ, "block flushes"},
    {"FALLOCATE", IORING_OP_FALLOCATE, POLICY_BLK_WRITE, "block discards"},
};
/* clang-format on */

const size_t policy_syscalls_count = sizeof policy_syscalls / sizeof *policy_syscalls;
const size_t policy_opcodes_count = sizeof policy_opcodes / sizeof *policy_opcodes;

_Static_assert(sizeof policy_syscalls / sizeof *policy_syscalls <= 8, "no more than the tightest monitor has");
