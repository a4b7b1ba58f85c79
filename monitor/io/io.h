/* SPDX-License-Identifier: MIT */
/*
 * The way of an operation: guest's submission -> copy -> check -> io_uring -> completion -> guest.
 * One thread does all of it, between two runs of the vCPU.
 */
#ifndef UKVM_IO_H
#define UKVM_IO_H

#include <liburing.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/region.h"
#include "coalesce.h"
#include "console.h"
#include "device.h"
#include "machine/layout.h"
#include "request.h"
#include "ring.h"
#include "signals.h"
#include "worker.h"

/* Where files stand among those registered with io_uring; the devices come last. */
enum io_file { IO_FILE_IN, IO_FILE_OUT, IO_FILE_ERR, IO_FILE_SIGNALS, IO_FILE_DEVICES = IO_FILE_SIGNALS + SIGNALS_MAX };

/* What io_uring reads and writes for the monitor itself: memory that the guest has no part in. It is pinned. */
struct io_page {
    _Alignas(UKVM_PAGE_SIZE) struct signalfd_siginfo signal; /* not looked at: which descriptor was read says it all */
    char report[UKVM_PAGE_SIZE - sizeof(struct signalfd_siginfo)];
};
_Static_assert(sizeof(struct io_page) == UKVM_PAGE_SIZE, "one page");

/* User_data beside those of the signals; that of a request is its address, never so low. */
enum io_tag { IO_TAG_REPORT = SIGNALS_TAGS, IO_TAG_WORKER, IO_TAG_NONE /* was seen to already */ };

struct io {
    struct io_page page; /* first: its alignment is a page */
    struct io_uring uring;
    struct ring ring;
    struct clock clock;
    struct region arena;
    const struct region *ram;
    const struct layout *layout;
    struct devices *devices;
    const struct signals *signals;
    int stop_signal; /* the one that tells the monitor to end, 0 if none does */
    struct catcher catcher;
    struct console console;
    struct coalesce coalesce;
    uint32_t to_take;       /* submissions that this turn may still take */
    struct request *edit;   /* a MEM_PROTECT that io_take() has asked its caller for */
    uint64_t refused_since; /* when io_uring began to take nothing; 0: it does take */
    struct worker worker;
    unsigned to_drain;       /* console and block operations in flight */
    bool ended;              /* the guest never runs again */
    unsigned report_pending; /* a piece of the report is in flight */
    int report_result;       /* of the last piece */
    struct request *free;    /* requests used before */
    unsigned fresh;          /* requests[fresh] and above were never used: their pages are untouched */
    struct request requests[RING_CQ_ENTRIES];
};

struct io_config {
    const struct layout *layout;
    const struct region *system, *ram;
    struct devices *devices;
    const struct signals *signals;
    unsigned uses; /* enum policy_use, together */
    struct clock clock;
};

/* Sets up io_uring with the registered files and the registered arena. */
int io_open(struct io *io, const struct io_config *config, struct error *err);

enum io_sleep { IO_POLL, IO_SLEEP };

/*
 * Before the guest's first instruction, behind the lock-down: makes sure that the kernel can start the threads that the
 * console and the disks need.
 */
int io_start(struct io *io, struct error *err);

/*
 * A turn, which is KICK or WAIT, in three steps: io_begin(), io_take() until it returns false, io_finish().
 * io_begin() fails when the guest has broken a rule of the rings, with status 159.
 */
int io_begin(struct io *io, struct error *err);

/* What a guest wants of its page tables, checked: MEM_PROTECT. Only who runs the vCPU can carry it out. */
struct io_edit {
    uint64_t address, length; /* within one UKVM_RANGE_FREE range */
    uint32_t prot;            /* UKVM_PROT_* */
};

/*
 * Takes submissions. True: `edit` is to be carried out and io_edited() called before the next one is taken, as the
 * operations take effect in their order (MEM-06).
 */
bool io_take(struct io *io, struct io_edit *edit);

/* `result`: 0 or a negative errno. */
void io_edited(struct io *io, int result);

/* Starts what was taken, completes what is done, and sleeps if it may. io->stop_signal may be set afterwards. Fails
 * when io_uring fails. */
int io_finish(struct io *io, enum io_sleep sleep, struct error *err);

/* Looks for a signal that has come and says whose it is; changes nothing that the guest sees. */
int io_poll_signals(struct io *io, struct error *err);

/* Waits until something has happened for the guest or for the monitor, or the time is over. */
int io_pause(struct io *io, uint64_t ns, struct error *err);

/*
 * The guest never runs again, whatever has ended it: takes what is in the ring and completes the console and block
 * operations. Once there was a signal it gives up after two seconds: a console that nobody reads must not keep the
 * process alive. Fails as io_begin() and io_finish().
 */
int io_drain(struct io *io, struct error *err);

/*
 * Writes what is to be said about the guest's end to standard error, behind its own console output, after io_drain(). A
 * signal ends the wait for a reader here, too.
 */
int io_report(struct io *io, const char *text, size_t length, struct error *err);

#endif
