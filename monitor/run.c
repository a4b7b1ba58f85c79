/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "enter.h"
#include "machine/deliver.h"
#include "machine/fault.h"
#include "protect.h"

#define STATUS_VIOLATION (EXIT_SIGNAL + SIGSYS)

/* What an exit leads to: the guest goes on, or the process ends with *status, or there is an error. */
enum step { STEP_ERROR = -1, STEP_RUN = 0, STEP_END = 1 };

struct runner {
    struct guest *guest;
    struct io *io;
    struct fault_context fault;
    struct error *err;
    int status;
    struct fault_report report;
};

/* A copy of the port access that the exit describes; the shared page changes at the next KVM_RUN. */
struct port_access {
    bool out;
    unsigned port, size, count;
    uint32_t value;
};

static struct port_access read_port_access(const struct kvm_run *run) {
    struct port_access access = {
        .out = run->io.direction == KVM_EXIT_IO_OUT,
        .port = run->io.port,
        .size = run->io.size,
        .count = run->io.count,
    };
    if (access.out && access.size == sizeof access.value && access.count == 1)
        memcpy(&access.value, (const uint8_t *)run + run->io.data_offset, sizeof access.value);
    return access;
}

/* The guest's last words first, as far as its rings are sane (FAULT-09). */
static enum step end(struct runner *r, int status) {
    r->status = status;
    if (io_drain(r->io, r->err) && r->err->status != STATUS_VIOLATION)
        return STEP_ERROR;
    return io_report(r->io, r->report.text, r->report.used, r->err) ? STEP_ERROR : STEP_END;
}

static enum step violation(struct runner *r, int status, const char *what) {
    int result = vm_read_registers(&r->guest->vm);
    if (result)
        return error_set(r->err, EXIT_MONITOR, "the guest broke a rule; its registers cannot be read: %s",
                         strerror(-result));
    fault_report_violation(&r->fault, what, &r->guest->vm.run->s.regs.regs, &r->report);
    return end(r, status);
}

/* The guest handles it, or ends. */
static enum step exception(struct runner *r, unsigned vector) {
    const struct layout *layout = &r->guest->layout;
    struct kvm_sync_regs *state = &r->guest->vm.run->s.regs;
    struct ring_memory *shared = r->io->ring.shared;
    struct fault_event event;
    fault_read(&r->guest->system, layout, vector, state, &event);
    if (deliver(layout, &event, &shared->fault, layout->rings_base + offsetof(struct ring_memory, fault), state)) {
        vm_write_registers(&r->guest->vm);
        return STEP_RUN;
    }
    return end(r, fault_report_trap(&r->fault, &event, &r->report));
}

/* The rings are broken, or the monitor is. */
static enum step io_failed(struct runner *r) {
    return r->err->status == STATUS_VIOLATION ? violation(r, STATUS_VIOLATION, r->err->text) : STEP_ERROR;
}

/* KICK or WAIT. */
static enum step turn(struct runner *r, enum io_sleep sleep) {
    struct io_edit edit;
    int result;
    if (io_begin(r->io, r->err))
        return io_failed(r);
    while (io_take(r->io, &edit)) {
        if (protect_pages(r->guest, r->io, &edit, &result, r->err))
            return STEP_ERROR;
        io_edited(r->io, result);
    }
    return io_finish(r->io, sleep, r->err) ? io_failed(r) : STEP_RUN;
}

/* A guest that has done well in its own eyes has not, when its last output is lost (CALL-06). */
static enum step exit_guest(struct runner *r, int status) {
    struct io *io = r->io;
    r->status = status;
    if (io_drain(io, r->err))
        return io_failed(r);
    if (status != 0)
        return STEP_END;
    if (io->console.lost == -EPIPE || io->console.lost == -ECONNRESET)
        r->status = EXIT_SIGNAL + SIGPIPE;
    else if (io->console.lost)
        return error_set(r->err, EXIT_MONITOR, "the guest's last output is lost: %s", strerror(-io->console.lost));
    else if (io->console.first)
        r->status = EXIT_SIGNAL + io->stop_signal;
    return STEP_END;
}

static enum step hypercall(struct runner *r, const struct port_access *access) {
    switch (access->port) {
    case UKVM_PORT_KICK:
        return turn(r, IO_POLL);
    case UKVM_PORT_WAIT:
        return turn(r, IO_SLEEP);
    default: /* UKVM_PORT_EXIT */
        return exit_guest(r, (int)(access->value & 0xff));
    }
}

/* An `out` to a trap port is the processor's own only from the stubs in ring 0. */
static bool is_trap(struct runner *r, const struct port_access *access) {
    const struct kvm_sync_regs *state = &r->guest->vm.run->s.regs;
    return access->out && access->port >= UKVM_PORT_TRAP && access->port < UKVM_PORT_TRAP + UKVM_TRAP_VECTORS &&
           vm_read_registers(&r->guest->vm) == 0 && state->sregs.cs.dpl == 0 &&
           traps_in_stub(&r->guest->system, state->regs.rip);
}

static enum step handle_port(struct runner *r) {
    struct port_access access = read_port_access(r->guest->vm.run);
    trace(TRACE_EXITS, "%s port 0x%x size %u count %u value 0x%x", access.out ? "out" : "in", access.port, access.size,
          access.count, access.value);
    bool known = access.port >= UKVM_PORT_KICK && access.port <= UKVM_PORT_EXIT;
    if (known && access.out && access.size == sizeof access.value && access.count == 1)
        return hypercall(r, &access);
    if (is_trap(r, &access))
        return exception(r, access.port - UKVM_PORT_TRAP);
    char what[96];
    snprintf(what, sizeof what, "%s port 0x%x, %u bytes, %u times, is no hypercall (UKVM-CALL-05)",
             access.out ? "out to" : "in from", access.port, access.size, access.count);
    return violation(r, STATUS_VIOLATION, what);
}

static enum step handle_exit(struct runner *r) {
    const struct kvm_run *run = r->guest->vm.run;
    char what[128];
    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        return handle_port(r);
    case KVM_EXIT_INTR:
        return STEP_RUN;
    case KVM_EXIT_MMIO:
        snprintf(what, sizeof what, "access to 0x%llx, where there is no memory",
                 (unsigned long long)run->mmio.phys_addr);
        return violation(r, EXIT_SIGNAL + SIGSEGV, what);
    case KVM_EXIT_INTERNAL_ERROR:
        snprintf(what, sizeof what, "KVM cannot run its next instruction (suberror %u)", run->internal.suberror);
        return violation(r, EXIT_SIGNAL + SIGILL, what);
    case KVM_EXIT_FAIL_ENTRY:
        return error_set(r->err, EXIT_MONITOR, "KVM cannot enter the guest: hardware reason 0x%llx",
                         (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
    default:
        snprintf(what, sizeof what, "%s (%u), which no guest may cause", vm_exit_name(run->exit_reason),
                 run->exit_reason);
        return violation(r, STATUS_VIOLATION, what);
    }
}

/* Told to end: what the guest has handed over is finished, then the process ends as if by the signal. */
static int end_by_signal(struct runner *r) {
    if (io_drain(r->io, r->err) && r->err->status != STATUS_VIOLATION)
        return -1;
    return EXIT_SIGNAL + r->io->stop_signal;
}

int run_guest(struct guest *guest, struct io *io, struct error *err) {
    struct runner r = {
        .guest = guest,
        .io = io,
        .fault = {.image = guest->image, .layout = &guest->layout, .ram = &guest->ram},
        .err = err,
    };
    if (io_start(io, err))
        return -1;
    while (true) {
        enum entered entered = enter_guest(guest, io, err);
        enum step step = entered == ENTERED_EXIT ? handle_exit(&r) : entered == ENTERED_ERROR ? STEP_ERROR : STEP_RUN;
        if (step == STEP_ERROR) {
            struct error second;
            io_drain(io, &second); /* FAULT-09; the first error is the one to report */
            return -1;
        }
        if (step == STEP_END)
            return r.status;
        if (io->stop_signal)
            return end_by_signal(&r);
    }
}
