/* SPDX-License-Identifier: MIT */
/*
 * The contract between a ukvm monitor and a guest: every constant and every structure that both sides see.
 * ABI.md beside this file is normative; the clause numbers in the comments (UKVM-...) are its clauses.
 *
 * This header stands alone: C11, no other project header, fixed-width types only, little-endian x86-64.
 * Directions are said from the guest's side: IN is what the guest reads, OUT is what the guest writes.
 */
#ifndef UKVM_ABI_H
#define UKVM_ABI_H

#include <stddef.h>
#include <stdint.h>

#define UKVM_ABI_VERSION 1u
#define UKVM_PAGE_SIZE 4096u

/* Feature bits: offered in ukvm_boot.features, required by ukvm_note_abi.features. UKVM-IMG-05. */
#define UKVM_FEATURE_MEM_RETURN (UINT64_C(1) << 0)  /* UKVM_OP_MEM_RETURN gives pages back to the host */
#define UKVM_FEATURE_INITRD (UINT64_C(1) << 1)      /* ukvm_boot has initrd_addr and initrd_size */
#define UKVM_FEATURE_SIGNAL (UINT64_C(1) << 2)      /* UKVM_OP_SIGNAL completes when the monitor is told to end */
#define UKVM_FEATURE_MEM_PROTECT (UINT64_C(1) << 3) /* UKVM_OP_MEM_PROTECT changes what free memory allows */
#define UKVM_FEATURE_FAULT (UINT64_C(1) << 4)       /* ukvm_boot has fault_addr: exceptions can be handled */
#define UKVM_FEATURE_CONSOLE (UINT64_C(1) << 5)     /* UKVM_OP_CONSOLE_READ and _POLL; ukvm_boot has streams */
#define UKVM_FEATURE_IMAGE_FILE (UINT64_C(1) << 6)  /* ukvm_boot has image_addr and image_size, for who asks */
#define UKVM_FEATURES_V1                                                                              \
    (UKVM_FEATURE_MEM_RETURN | UKVM_FEATURE_INITRD | UKVM_FEATURE_SIGNAL | UKVM_FEATURE_MEM_PROTECT | \
     UKVM_FEATURE_FAULT | UKVM_FEATURE_CONSOLE | UKVM_FEATURE_IMAGE_FILE)

/*
 * Hypercalls: a 32-bit `out` to one of these ports. The value of EAX is meaningful only for UKVM_PORT_EXIT. UKVM-CALL.
 * The ports from UKVM_PORT_TRAP on belong to the monitor's own trap stubs; a guest that writes one is ended
 * (UKVM-CALL-05).
 */
#define UKVM_PORT_KICK 0x10u
#define UKVM_PORT_WAIT 0x11u
#define UKVM_PORT_EXIT 0x12u
#define UKVM_PORT_TRAP 0x40u /* + vector, 0 to 31 */
#define UKVM_TRAP_VECTORS 32u

/* ------------------------------------------------------------------ ELF notes (UKVM-IMG) ---- */

#define UKVM_NOTE_NAME "ukvm" /* n_namesz is 5: the terminating NUL counts */
#define UKVM_NOTE_ABI 1u      /* n_type of exactly one note: struct ukvm_note_abi */
#define UKVM_NOTE_DEVICE 2u   /* n_type of any number of notes: struct ukvm_note_device */
#define UKVM_NOTE_STACK 3u    /* n_type of at most one note: struct ukvm_note_stack */

struct ukvm_note_abi {
    uint32_t version;    /* UKVM_ABI_VERSION the image was built for */
    uint32_t reserved;   /* 0 */
    uint64_t features;   /* UKVM_FEATURE_* the image cannot run without */
    uint64_t min_memory; /* bytes of guest memory the image needs beyond its own segments and stack */
    uint64_t stack_size; /* bytes of boot stack, 0 for UKVM_STACK_DEFAULT; PT_GNU_STACK may ask for more */
};

#define UKVM_STACK_DEFAULT (128u * 1024u)
#define UKVM_STACK_MAX (64u * 1024u * 1024u)
#define UKVM_STACK_GUARD (1024u * 1024u) /* bytes below the boot stack that are never mapped: UKVM-MEM-09 */

/* The boot stack that the image would like, where the guest has memory for it. UKVM-IMG-07. */
struct ukvm_note_stack {
    uint64_t wanted; /* bytes, up to UKVM_STACK_MAX */
};

#define UKVM_STACK_SHARE 8u /* so much of the guest's memory, one part in it, is at most a stack that is only liked */

#define UKVM_ALIGN_MAX (2u * 1024u * 1024u) /* of a segment: UKVM-IMG-08 */

#define UKVM_DEVICE_NAME_SIZE 24u /* with the terminating NUL: a name has 1 to 23 bytes of [a-z0-9_-] */

enum ukvm_device_kind {
    UKVM_DEVICE_BLK = 1,
    UKVM_DEVICE_NET = 2,
};

#define UKVM_NOTE_OPTIONAL 1u /* the device may be absent */
#define UKVM_NOTE_ANY 2u      /* any number of devices of this kind, under any name; name is empty */

struct ukvm_note_device {
    uint16_t kind;     /* enum ukvm_device_kind */
    uint16_t flags;    /* UKVM_NOTE_OPTIONAL, UKVM_NOTE_ANY */
    uint32_t reserved; /* 0 */
    char name[UKVM_DEVICE_NAME_SIZE];
};

/* ------------------------------------------------------------------ boot page (UKVM-BOOT) ---- */

#define UKVM_BOOT_MAGIC UINT64_C(0x544f4f424d564b55) /* "UKVMBOOT" in memory */

/* One range of guest memory. All of them are identity-mapped: virtual address = physical address. */
enum ukvm_range_kind {
    UKVM_RANGE_FREE = 1,       /* readable, writable, not executable, zero-filled; the guest's to use */
    UKVM_RANGE_IMAGE = 2,      /* one loaded segment, or the part of one with these permissions */
    UKVM_RANGE_STACK = 3,      /* the boot stack; UKVM_STACK_GUARD bytes below it are never mapped */
    UKVM_RANGE_INITRD = 4,     /* a file of the host's, read-only; the pages below and above it are never mapped */
    UKVM_RANGE_IMAGE_FILE = 5, /* the image's own file, in the same way */
};

#define UKVM_PROT_EXEC 1u /* the values of ELF's PF_X, PF_W, PF_R */
#define UKVM_PROT_WRITE 2u
#define UKVM_PROT_READ 4u

struct ukvm_range {
    uint64_t base; /* page-aligned address */
    uint64_t size; /* bytes, a multiple of the page size */
    uint32_t kind; /* enum ukvm_range_kind */
    uint32_t prot; /* UKVM_PROT_* */
};

#define UKVM_BLK_READONLY 1u

struct ukvm_blk_info {
    uint64_t capacity;     /* bytes, a multiple of block_size */
    uint32_t block_size;   /* bytes, 512 or 4096: the unit of offsets, lengths and arena alignment */
    uint32_t max_transfer; /* bytes in one submission at most, a multiple of block_size */
    uint32_t flags;        /* UKVM_BLK_READONLY */
    uint32_t reserved;
};

struct ukvm_net_info {
    uint8_t mac[6];
    uint16_t mtu;        /* bytes of payload; a frame is at most mtu + 18 (Ethernet header and one VLAN tag) */
    uint8_t ip4[4];      /* network byte order; all zero: not configured */
    uint8_t gateway4[4]; /* network byte order; all zero: none */
    uint8_t prefix4;     /* 0 to 32 */
    uint8_t reserved[7];
};

struct ukvm_device {
    uint32_t kind; /* enum ukvm_device_kind */
    uint32_t reserved;
    char name[UKVM_DEVICE_NAME_SIZE]; /* NUL-terminated */
    union {
        struct ukvm_blk_info blk;
        struct ukvm_net_info net;
        uint8_t raw[64];
    };
};

/* The streams of the console. UKVM-CON. */
#define UKVM_CONSOLE_IN 0u  /* the monitor's standard input */
#define UKVM_CONSOLE_OUT 1u /* the monitor's standard output */
#define UKVM_CONSOLE_ERR 2u /* the monitor's standard error */
#define UKVM_STREAMS 3u

/* What a stream leads to on the host. */
enum ukvm_stream_kind {
    UKVM_STREAM_NONE = 0,     /* it is not there */
    UKVM_STREAM_FILE = 1,     /* a regular file: never waits for anybody, and can be full */
    UKVM_STREAM_PIPE = 2,     /* a pipe or a socket: somebody at its other end, who may go away */
    UKVM_STREAM_TERMINAL = 3, /* somebody types and reads */
    UKVM_STREAM_NULL = 4,     /* takes everything and holds nothing */
    UKVM_STREAM_OTHER = 5,    /* another device */
};

#define UKVM_MAX_DEVICES 16u
#define UKVM_ENTROPY_SIZE 64u

/*
 * IN. At the address in RDI at entry, page-aligned, read-only for the guest. Everything in it is frozen at boot, but
 * for the fields that UKVM-BOOT-06 names, which change together with `generation`. The *_offset fields are in bytes
 * from the start of this structure; what they name lies within the first `size` bytes.
 */
struct ukvm_boot {
    uint64_t magic;    /* UKVM_BOOT_MAGIC */
    uint32_t version;  /* UKVM_ABI_VERSION of the monitor */
    uint32_t size;     /* bytes of this structure with all that its offsets name */
    uint64_t features; /* UKVM_FEATURE_* that the monitor offers */

    uint64_t generation; /* changes whenever the guest is restored from a snapshot */
    uint64_t tsc_base;   /* TSC at monotonic time 0 */
    uint64_t tsc_mult;   /* monotonic nanoseconds = ((TSC - tsc_base) * tsc_mult) >> 32, in 128 bits. UKVM-TIME-01 */
    uint64_t wall_base;  /* nanoseconds since 1970-01-01 UTC at monotonic time 0 */
    uint8_t entropy[UKVM_ENTROPY_SIZE]; /* from the host's random generator, fresh for each boot */

    uint64_t rings_addr; /* address of struct ukvm_rings, which the guest may write */
    uint64_t sq_addr;    /* address of struct ukvm_sqe[sq_entries], which the guest may write */
    uint64_t cq_addr;    /* address of struct ukvm_cqe[cq_entries], which the guest may read */
    uint32_t sq_entries; /* a power of two */
    uint32_t cq_entries; /* a power of two; also the bound on submissions in flight */
    uint64_t arena_addr; /* address of the I/O arena, page-aligned, readable and writable */
    uint64_t arena_size; /* bytes, a multiple of the page size */

    uint32_t args_offset; /* argc strings, each ended by a NUL, args_size bytes in all; argv[0] is the image's name */
    uint32_t args_size;
    uint32_t args_count;
    uint32_t env_offset; /* KEY=VALUE strings, in the same form */
    uint32_t env_size;
    uint32_t env_count;
    uint32_t ranges_offset; /* struct ukvm_range[ranges_count], 8-byte aligned, by rising address, never overlapping */
    uint32_t ranges_count;
    uint32_t devices_offset; /* struct ukvm_device[devices_count], 8-byte aligned; the index is the device number */
    uint32_t devices_count;

    uint64_t initrd_addr; /* page-aligned address of a file given with the image, 0 if there is none. UKVM-BOOT-08 */
    uint64_t initrd_size; /* bytes of the file; the rest of its last page is zero */

    uint64_t fault_addr; /* address of struct ukvm_fault, which the guest may write. UKVM-FAULT-04 */

    uint64_t image_addr; /* page-aligned address of the image's file, 0 if its note does not ask. UKVM-BOOT-09 */
    uint64_t image_size; /* bytes of the file; the rest of its last page is zero */

    uint8_t streams[UKVM_STREAMS]; /* enum ukvm_stream_kind of UKVM_CONSOLE_IN, _OUT and _ERR. UKVM-CON-05 */
    uint8_t reserved[5];           /* 0 */
};

/* ------------------------------------------------------------------ rings (UKVM-RING) ---- */

#define UKVM_DEADLINE_NONE UINT64_MAX /* UKVM_PORT_WAIT sleeps until there is a completion, however long */

/*
 * Indices run freely modulo 2^32; entry i lives in slot i & (entries - 1). Each field has one writer. The writer of an
 * index stores it with release order after the entries it covers; the reader loads it with acquire order.
 */
struct ukvm_rings {
    uint32_t sq_tail;  /* OUT: one past the last submission the guest has written */
    uint32_t cq_head;  /* OUT: one past the last completion the guest has taken */
    uint64_t deadline; /* OUT: monotonic nanoseconds at which UKVM_PORT_WAIT returns at the latest */
    uint8_t guest_pad[48];

    uint32_t sq_head; /* IN: one past the last submission the monitor has copied; its slot may be written again */
    uint32_t cq_tail; /* IN: one past the last completion the monitor has written */
    uint8_t monitor_pad[56];
};

enum ukvm_op {
    UKVM_OP_CONSOLE_WRITE = 1, /* device: UKVM_CONSOLE_*; arena, length */
    UKVM_OP_BLK_READ = 2,      /* device, arena, length, offset */
    UKVM_OP_BLK_WRITE = 3,     /* device, arena, length, offset */
    UKVM_OP_BLK_FLUSH = 4,     /* device */
    UKVM_OP_BLK_DISCARD = 5,   /* device, length, offset */
    UKVM_OP_NET_SEND = 6,      /* device, arena, length: one whole Ethernet frame without its checksum */
    UKVM_OP_NET_RECV = 7,      /* device, arena, length: a buffer for one frame; the result is the frame's length */
    UKVM_OP_MEM_RETURN = 8,    /* length, offset: a page-aligned address inside one UKVM_RANGE_FREE range */
    UKVM_OP_SIGNAL = 9,        /* no field: the result is UKVM_SIGNAL_*, once the monitor is told to end */
    UKVM_OP_MEM_PROTECT = 10,  /* device: UKVM_PROT_*; length, offset: as for MEM_RETURN */
    UKVM_OP_CONSOLE_READ = 11, /* device: UKVM_CONSOLE_IN; arena, length: the result is the bytes read, 0 at the end */
    UKVM_OP_CONSOLE_POLL = 12, /* device: UKVM_CONSOLE_IN: the result is UKVM_POLL_*, once a read would not wait */
    UKVM_OP_COUNT = 13,
};

#define UKVM_PROTECT_MAX (16u * 1024u * 1024u) /* bytes in one UKVM_OP_MEM_PROTECT. UKVM-MEM-08 */

/* Linux's own numbers. */
#define UKVM_SIGNAL_INT 2
#define UKVM_SIGNAL_TERM 15

#define UKVM_SQE_QUIET 1u /* when it succeeds, its completion does not end a sleep. UKVM-RING-10 */

#define UKVM_POLL_IN 1  /* there is something to read, or an error */
#define UKVM_POLL_HUP 2 /* nobody is left who writes */

/* OUT. A field that the operation does not name is 0. */
struct ukvm_sqe {
    uint8_t op;      /* enum ukvm_op */
    uint8_t flags;   /* UKVM_SQE_* */
    uint16_t device; /* index into the device table, UKVM_CONSOLE_* or UKVM_PROT_* */
    uint32_t length; /* bytes */
    uint64_t arena;  /* offset of the buffer in the arena */
    uint64_t offset; /* byte offset on the device */
    uint64_t user_data;
};

/* IN. */
struct ukvm_cqe {
    uint64_t user_data; /* of the submission */
    int32_t result;     /* bytes done or what the operation says, or a negative enum ukvm_error */
    uint32_t reserved;  /* 0 */
};

/* Results, negated. UKVM-ERR. */
enum ukvm_error {
    UKVM_EINVAL = 1,  /* the submission breaks a rule of its operation */
    UKVM_EIO = 2,     /* the device failed, or ends before its geometry says */
    UKVM_ENOSPC = 3,  /* the host's file system or quota is full; the monitor has no page table left */
    UKVM_EROFS = 4,   /* a write to a read-only device */
    UKVM_EDOWN = 5,   /* the network interface is down or gone */
    UKVM_EAGAIN = 6,  /* the host's queue is full: the frame was dropped */
    UKVM_ENOTSUP = 7, /* the host cannot do this operation on this device */
    UKVM_EPIPE = 8,   /* nobody is left to read the stream */
};

/* ------------------------------------------------------------------ faults (UKVM-FAULT) ---- */

/*
 * How the guest handles its own exceptions. It stores the address of a handler and nothing else; the monitor looks at
 * it when there is an exception, and writes the rest then. The registers are in the order of Linux's struct sigcontext.
 */
struct ukvm_fault {
    uint64_t handler;    /* OUT: address of the handler's first instruction, 0 for none; 0 again once it was called */
    uint32_t vector;     /* IN: the exception, 0 to 31 */
    uint32_t reserved;   /* IN: 0 */
    uint64_t error_code; /* IN: as the processor pushed it, 0 for an exception that has none */
    uint64_t address;    /* IN: CR2 for a page fault, 0 for every other exception */
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags; /* IN */
};

/* ------------------------------------------------------------------ layout, checked in both worlds ---- */

#define UKVM_LAYOUT(type, field, off, bytes)                                                              \
    _Static_assert(offsetof(struct type, field) == (off) && sizeof(((struct type *)0)->field) == (bytes), \
                   #type "." #field " is not where ABI.md puts it")
#define UKVM_SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type " has the wrong size")

UKVM_SIZE(ukvm_note_abi, 32);
UKVM_LAYOUT(ukvm_note_abi, version, 0, 4);
UKVM_LAYOUT(ukvm_note_abi, reserved, 4, 4);
UKVM_LAYOUT(ukvm_note_abi, features, 8, 8);
UKVM_LAYOUT(ukvm_note_abi, min_memory, 16, 8);
UKVM_LAYOUT(ukvm_note_abi, stack_size, 24, 8);

UKVM_SIZE(ukvm_note_stack, 8);
UKVM_LAYOUT(ukvm_note_stack, wanted, 0, 8);

UKVM_SIZE(ukvm_note_device, 32);
UKVM_LAYOUT(ukvm_note_device, kind, 0, 2);
UKVM_LAYOUT(ukvm_note_device, flags, 2, 2);
UKVM_LAYOUT(ukvm_note_device, reserved, 4, 4);
UKVM_LAYOUT(ukvm_note_device, name, 8, 24);

UKVM_SIZE(ukvm_range, 24);
UKVM_LAYOUT(ukvm_range, base, 0, 8);
UKVM_LAYOUT(ukvm_range, size, 8, 8);
UKVM_LAYOUT(ukvm_range, kind, 16, 4);
UKVM_LAYOUT(ukvm_range, prot, 20, 4);

UKVM_SIZE(ukvm_blk_info, 24);
UKVM_LAYOUT(ukvm_blk_info, capacity, 0, 8);
UKVM_LAYOUT(ukvm_blk_info, block_size, 8, 4);
UKVM_LAYOUT(ukvm_blk_info, max_transfer, 12, 4);
UKVM_LAYOUT(ukvm_blk_info, flags, 16, 4);
UKVM_LAYOUT(ukvm_blk_info, reserved, 20, 4);

UKVM_SIZE(ukvm_net_info, 24);
UKVM_LAYOUT(ukvm_net_info, mac, 0, 6);
UKVM_LAYOUT(ukvm_net_info, mtu, 6, 2);
UKVM_LAYOUT(ukvm_net_info, ip4, 8, 4);
UKVM_LAYOUT(ukvm_net_info, gateway4, 12, 4);
UKVM_LAYOUT(ukvm_net_info, prefix4, 16, 1);
UKVM_LAYOUT(ukvm_net_info, reserved, 17, 7);

UKVM_SIZE(ukvm_device, 96);
UKVM_LAYOUT(ukvm_device, kind, 0, 4);
UKVM_LAYOUT(ukvm_device, reserved, 4, 4);
UKVM_LAYOUT(ukvm_device, name, 8, 24);
UKVM_LAYOUT(ukvm_device, raw, 32, 64);

UKVM_SIZE(ukvm_boot, 256);
UKVM_LAYOUT(ukvm_boot, magic, 0, 8);
UKVM_LAYOUT(ukvm_boot, version, 8, 4);
UKVM_LAYOUT(ukvm_boot, size, 12, 4);
UKVM_LAYOUT(ukvm_boot, features, 16, 8);
UKVM_LAYOUT(ukvm_boot, generation, 24, 8);
UKVM_LAYOUT(ukvm_boot, tsc_base, 32, 8);
UKVM_LAYOUT(ukvm_boot, tsc_mult, 40, 8);
UKVM_LAYOUT(ukvm_boot, wall_base, 48, 8);
UKVM_LAYOUT(ukvm_boot, entropy, 56, 64);
UKVM_LAYOUT(ukvm_boot, rings_addr, 120, 8);
UKVM_LAYOUT(ukvm_boot, sq_addr, 128, 8);
UKVM_LAYOUT(ukvm_boot, cq_addr, 136, 8);
UKVM_LAYOUT(ukvm_boot, sq_entries, 144, 4);
UKVM_LAYOUT(ukvm_boot, cq_entries, 148, 4);
UKVM_LAYOUT(ukvm_boot, arena_addr, 152, 8);
UKVM_LAYOUT(ukvm_boot, arena_size, 160, 8);
UKVM_LAYOUT(ukvm_boot, args_offset, 168, 4);
UKVM_LAYOUT(ukvm_boot, args_size, 172, 4);
UKVM_LAYOUT(ukvm_boot, args_count, 176, 4);
UKVM_LAYOUT(ukvm_boot, env_offset, 180, 4);
UKVM_LAYOUT(ukvm_boot, env_size, 184, 4);
UKVM_LAYOUT(ukvm_boot, env_count, 188, 4);
UKVM_LAYOUT(ukvm_boot, ranges_offset, 192, 4);
UKVM_LAYOUT(ukvm_boot, ranges_count, 196, 4);
UKVM_LAYOUT(ukvm_boot, devices_offset, 200, 4);
UKVM_LAYOUT(ukvm_boot, devices_count, 204, 4);
UKVM_LAYOUT(ukvm_boot, initrd_addr, 208, 8);
UKVM_LAYOUT(ukvm_boot, initrd_size, 216, 8);
UKVM_LAYOUT(ukvm_boot, fault_addr, 224, 8);
UKVM_LAYOUT(ukvm_boot, image_addr, 232, 8);
UKVM_LAYOUT(ukvm_boot, image_size, 240, 8);
UKVM_LAYOUT(ukvm_boot, streams, 248, 3);
UKVM_LAYOUT(ukvm_boot, reserved, 251, 5);

UKVM_SIZE(ukvm_rings, 128);
UKVM_LAYOUT(ukvm_rings, sq_tail, 0, 4);
UKVM_LAYOUT(ukvm_rings, cq_head, 4, 4);
UKVM_LAYOUT(ukvm_rings, deadline, 8, 8);
UKVM_LAYOUT(ukvm_rings, sq_head, 64, 4);
UKVM_LAYOUT(ukvm_rings, cq_tail, 68, 4);

UKVM_SIZE(ukvm_sqe, 32);
UKVM_LAYOUT(ukvm_sqe, op, 0, 1);
UKVM_LAYOUT(ukvm_sqe, flags, 1, 1);
UKVM_LAYOUT(ukvm_sqe, device, 2, 2);
UKVM_LAYOUT(ukvm_sqe, length, 4, 4);
UKVM_LAYOUT(ukvm_sqe, arena, 8, 8);
UKVM_LAYOUT(ukvm_sqe, offset, 16, 8);
UKVM_LAYOUT(ukvm_sqe, user_data, 24, 8);

UKVM_SIZE(ukvm_cqe, 16);
UKVM_LAYOUT(ukvm_cqe, user_data, 0, 8);
UKVM_LAYOUT(ukvm_cqe, result, 8, 4);
UKVM_LAYOUT(ukvm_cqe, reserved, 12, 4);

UKVM_SIZE(ukvm_fault, 176);
UKVM_LAYOUT(ukvm_fault, handler, 0, 8);
UKVM_LAYOUT(ukvm_fault, vector, 8, 4);
UKVM_LAYOUT(ukvm_fault, reserved, 12, 4);
UKVM_LAYOUT(ukvm_fault, error_code, 16, 8);
UKVM_LAYOUT(ukvm_fault, address, 24, 8);
UKVM_LAYOUT(ukvm_fault, r8, 32, 8);
UKVM_LAYOUT(ukvm_fault, r9, 40, 8);
UKVM_LAYOUT(ukvm_fault, r10, 48, 8);
UKVM_LAYOUT(ukvm_fault, r11, 56, 8);
UKVM_LAYOUT(ukvm_fault, r12, 64, 8);
UKVM_LAYOUT(ukvm_fault, r13, 72, 8);
UKVM_LAYOUT(ukvm_fault, r14, 80, 8);
UKVM_LAYOUT(ukvm_fault, r15, 88, 8);
UKVM_LAYOUT(ukvm_fault, rdi, 96, 8);
UKVM_LAYOUT(ukvm_fault, rsi, 104, 8);
UKVM_LAYOUT(ukvm_fault, rbp, 112, 8);
UKVM_LAYOUT(ukvm_fault, rbx, 120, 8);
UKVM_LAYOUT(ukvm_fault, rdx, 128, 8);
UKVM_LAYOUT(ukvm_fault, rax, 136, 8);
UKVM_LAYOUT(ukvm_fault, rcx, 144, 8);
UKVM_LAYOUT(ukvm_fault, rsp, 152, 8);
UKVM_LAYOUT(ukvm_fault, rip, 160, 8);
UKVM_LAYOUT(ukvm_fault, rflags, 168, 8);

#endif
