/* SPDX-License-Identifier: MIT */
/*
 * crash_model: reads the log of a disk (tests/faults/inject.c) and says whether a crash at any moment could have lost
 * what the guest was promised. ABI.md, BLK-03.
 *
 * The disk behind the monitor keeps its promise and no more: a write is volatile from its submission on and may reach
 * the medium at any time, before any other or never; an fsync that succeeds makes stable what had completed before it
 * was submitted. Blocks are independent of each other, so a crash leaves any combination of what each block may hold;
 * to look at each block's set is to look at every subset of the writes that are not flushed.
 *
 * The guest has never two operations on one block in flight, so a block's writes have an order: their versions.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512u
#define BLOCKS 4096u
#define WRITES 65536u
#define OPERATIONS 64u /* in flight */

/* A write or discard that io_uring was given, as one block sees it, and that no fsync has made stable yet. */
struct volatile_write {
    uint32_t block;
    uint64_t version;
    uint64_t operation; /* the id */
    bool completed, gone;
};

struct operation {
    uint64_t id;
    char op;
    bool used;
    uint64_t offset, length;
    uint64_t version;
    uint64_t snapshot[BLOCKS]; /* of a flush: what had been acknowledged when the guest submitted it */
    uint32_t covered;          /* of an fsync: volatile writes from here on had not even been submitted */
    bool covers[WRITES];       /* of an fsync: those that had completed */
};

static struct volatile_write writes[WRITES];
static uint32_t writes_count;
static struct operation operations[OPERATIONS];
static uint64_t stable[BLOCKS];       /* version on the medium */
static uint64_t acknowledged[BLOCKS]; /* version that the guest was told is written */
static uint64_t promised[BLOCKS];     /* version that a completed flush covers */
static uint64_t versions, events, flushes, states, lost;

static struct operation *find(uint64_t id) {
    for (unsigned i = 0; i < OPERATIONS; i++)
        if (operations[i].used && operations[i].id == id)
            return &operations[i];
    return NULL;
}

static struct operation *add(uint64_t id) {
    for (unsigned i = 0; i < OPERATIONS; i++)
        if (!operations[i].used) {
            operations[i].used = true;
            operations[i].id = id;
            return &operations[i];
        }
    fprintf(stderr, "crash_model: too many operations in flight\n");
    exit(2);
}

static void take(char op, uint64_t id, uint64_t offset, uint64_t length) {
    struct operation *o = find(id);
    if (!o)
        o = add(id);
    o->op = op;
    o->offset = offset;
    o->length = length;
    if (op == 'F')
        memcpy(o->snapshot, acknowledged, sizeof acknowledged);
    else
        o->version = ++versions;
}

static void io(char op, uint64_t id, uint64_t offset, uint64_t length) {
    struct operation *o = find(id);
    if (!o)
        return;
    if (op == 'F') {
        o->covered = writes_count;
        for (uint32_t i = 0; i < writes_count; i++)
            o->covers[i] = writes[i].completed;
        return;
    }
    for (uint64_t at = offset / BLOCK; at < (offset + length) / BLOCK; at++) {
        if (writes_count == WRITES || at >= BLOCKS) {
            fprintf(stderr, "crash_model: the log is too long, or the disk too large\n");
            exit(2);
        }
        writes[writes_count++] = (struct volatile_write){.block = (uint32_t)at, .version = o->version, .operation = id};
    }
}

/* Forgets what is stable or overwritten, so that the table stays small. An fsync in flight keeps its indices right. */
static void make_stable(const struct operation *fsync) {
    for (uint32_t i = 0; i < fsync->covered; i++) {
        struct volatile_write *w = &writes[i];
        if (!fsync->covers[i] || w->gone || w->version < stable[w->block])
            continue;
        stable[w->block] = w->version;
        for (uint32_t j = 0; j < writes_count; j++)
            if (writes[j].block == w->block && writes[j].version <= w->version)
                writes[j].gone = true;
    }
}

/* A short write has done its first blocks; of one that failed, some may have been done, now or later. */
static void io_done(uint64_t id, int64_t result) {
    struct operation *o = find(id);
    if (!o)
        return;
    if (o->op == 'F') {
        if (result == 0)
            make_stable(o);
        return;
    }
    uint64_t blocks = o->op == 'D' ? (result == 0 ? UINT64_MAX : 0) : result > 0 ? (uint64_t)result / BLOCK : 0;
    for (uint32_t i = 0; i < writes_count && blocks > 0; i++)
        if (writes[i].operation == id && writes[i].version == o->version && !writes[i].completed) {
            writes[i].completed = true;
            blocks--;
        }
}

static void done(uint64_t id, int64_t result) {
    struct operation *o = find(id);
    if (!o)
        return;
    o->used = false;
    if (result < 0)
        return;
    if (o->op == 'F') {
        flushes++;
        for (unsigned i = 0; i < BLOCKS; i++)
            promised[i] = o->snapshot[i] > promised[i] ? o->snapshot[i] : promised[i];
        return;
    }
    for (uint64_t at = o->offset / BLOCK; at < (o->offset + o->length) / BLOCK; at++)
        acknowledged[at] = o->version;
}

static void report(uint32_t block, uint64_t version) {
    if (lost++ < 10)
        printf("crash_model: event %" PRIu64 ": block %u may hold version %" PRIu64 ", promised is %" PRIu64 "\n",
               events, block, version, promised[block]);
}

/* Every content that a crash now could leave in a block must be what was promised, or newer. */
static void crash(void) {
    for (uint32_t i = 0; i < BLOCKS; i++)
        if (stable[i] < promised[i])
            report(i, stable[i]);
    for (uint32_t i = 0; i < writes_count; i++)
        if (!writes[i].gone) {
            states++;
            if (writes[i].version < promised[writes[i].block])
                report(writes[i].block, writes[i].version);
        }
}

int main(void) {
    char line[256], op;
    uint64_t id, offset, length;
    int64_t result;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "log take %c %" SCNx64 " %" SCNu64 " %" SCNu64, &op, &id, &offset, &length) == 4)
            take(op, id, offset, length);
        else if (sscanf(line, "log io %c %" SCNx64 " %" SCNu64 " %" SCNu64, &op, &id, &offset, &length) == 4)
            io(op, id, offset, length);
        else if (sscanf(line, "log io-done %" SCNx64 " %" SCNd64, &id, &result) == 2)
            io_done(id, result);
        else if (sscanf(line, "log done %" SCNx64 " %" SCNd64, &id, &result) == 2)
            done(id, result);
        else
            continue;
        events++;
        crash();
    }
    printf("crash_model: %" PRIu64 " events, %" PRIu64 " flushes, %" PRIu64 " volatile contents looked at, %" PRIu64
           " lost\n",
           events, flushes, states, lost);
    return lost > 0 || flushes == 0;
}
