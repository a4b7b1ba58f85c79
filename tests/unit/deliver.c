/* SPDX-License-Identifier: MIT */
/* links: monitor/machine/deliver.c monitor/machine/layout.c monitor/machine/traps.c monitor/base/region.c */
/* links: monitor/base/error.c */
#include "machine/deliver.h"

#include "machine/traps.h"
#include "tap.h"

#define RAM UINT64_C(0x123400000000)
#define SYSTEM UINT64_C(0x200000000000)
#define ADDRESS (SYSTEM + 0x9080)
#define RX (UKVM_PROT_READ | UKVM_PROT_EXEC)
#define RW (UKVM_PROT_READ | UKVM_PROT_WRITE)

static const struct layout layout = {
    .system_base = SYSTEM,
    .system_size = 0x100000,
    .ranges_count = 5,
    .ranges =
        {
            {.base = RAM, .size = 0x3000, .kind = UKVM_RANGE_FREE, .prot = RW},
            {.base = RAM + 0x3000, .size = 0x2000, .kind = UKVM_RANGE_IMAGE, .prot = UKVM_PROT_READ},
            {.base = RAM + 0x5000, .size = 0x4000, .kind = UKVM_RANGE_IMAGE, .prot = RX},
            {.base = RAM + 0x9000, .size = 0x1000, .kind = UKVM_RANGE_IMAGE, .prot = RW},
            {.base = RAM + 0xb000, .size = 0x4000, .kind = UKVM_RANGE_STACK, .prot = RW},
        },
};
#define CODE (RAM + 0x5000)
#define CODE_END (RAM + 0x9000)

static struct fault_event event;
static struct ukvm_fault shared;
static struct kvm_sync_regs state;
static struct region region;

static void prepare(uint64_t handler) {
    memset(&shared, 0x5a, sizeof shared);
    memset(&state, 0x77, sizeof state);
    shared.handler = handler;
    event = (struct fault_event){.vector = 14, .user = true, .error_code = 6, .address = 0x1234};
    event.regs = (struct kvm_regs){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
}

static bool is_refused(uint64_t handler) {
    struct ukvm_fault shared_before;
    struct kvm_sync_regs state_before;
    prepare(handler);
    shared_before = shared;
    state_before = state;
    bool refused = !deliver(&layout, &event, &shared, ADDRESS, &state);
    bool same = memcmp(&shared, &shared_before, sizeof shared) == 0 && memcmp(&state, &state_before, sizeof state) == 0;
    if (!refused || !same)
        diag("0x%" PRIx64 ": %s, %s", handler, refused ? "refused" : "taken", same ? "nothing changed" : "changed");
    return refused && same;
}

static void test_handlers(void) {
    static const struct {
        const char *what;
        uint64_t address;
    } bad[] = {
        {"none", 0},
        {"page 0", 1},
        {"the last of page 0", 4095},
        {"free memory", RAM},
        {"constants", RAM + 0x3000},
        {"the byte before the code", CODE - 1},
        {"the byte behind the code", CODE_END},
        {"data", RAM + 0x9000},
        {"between the ranges", RAM + 0xa000},
        {"the stack", RAM + 0xb000},
        {"below all ranges", RAM - 1},
        {"behind all ranges", RAM + 0xf000},
        {"the stubs", SYSTEM},
        {"the trap stack", SYSTEM + 0x1000},
        {"the structure", ADDRESS},
        {"the last canonical address", 0x00007fffffffffff},
        {"one that is not", 0x0000800000000000},
        {"another", CODE | UINT64_C(1) << 63},
        {"another one", CODE | UINT64_C(1) << 48},
        {"a kernel's", 0xffffffff81000000},
        {"the last", UINT64_MAX},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(is_refused(bad[i].address), "refused, with nothing changed: %s", bad[i].what);
    unsigned wrong = 0;
    for (uint64_t address = RAM - 0x2000; address < RAM + 0x11000; address++) {
        prepare(address);
        wrong += deliver(&layout, &event, &shared, ADDRESS, &state) != (address >= CODE && address < CODE_END);
    }
    is_u64(wrong, 0, "of all addresses around the ranges, those in code are taken and no other (FAULT-05)");
}

static void test_delivery(void) {
    struct kvm_sregs user;
    prepare(CODE_END - 1);
    state.sregs.cr3 = 0x123000;
    state.sregs.fs.base = 0x456;
    state.sregs.gs.base = 0x789;
    struct kvm_sync_regs before = state;
    ok(deliver(&layout, &event, &shared, ADDRESS, &state), "the last byte of code");
    is_u64(shared.handler, 0, "the handler is taken away (FAULT-04)");
    ok(shared.vector == 14 && shared.error_code == 6 && shared.address == 0x1234 && shared.reserved == 0,
       "what it was (FAULT-06)");
    const struct kvm_regs *r = &event.regs;
    ok(shared.rax == r->rax && shared.rbx == r->rbx && shared.rcx == r->rcx && shared.rdx == r->rdx &&
           shared.rsi == r->rsi && shared.rdi == r->rdi && shared.rsp == r->rsp && shared.rbp == r->rbp &&
           shared.r8 == r->r8 && shared.r9 == r->r9 && shared.r10 == r->r10 && shared.r11 == r->r11 &&
           shared.r12 == r->r12 && shared.r13 == r->r13 && shared.r14 == r->r14 && shared.r15 == r->r15 &&
           shared.rip == r->rip && shared.rflags == r->rflags,
       "all registers");
    struct kvm_regs want = *r;
    want.rip = CODE_END - 1;
    want.rdi = ADDRESS;
    want.rflags = 0x3202;
    ok(memcmp(&state.regs, &want, sizeof want) == 0, "the handler has them, but for RIP, RDI and RFLAGS (FAULT-07)");

    struct error err;
    if (region_map(&region, SYSTEM, 4 * UKVM_PAGE_SIZE, "test", &err))
        abort();
    memset(&user, 0, sizeof user);
    traps_set_registers(&region, &user);
    ok(memcmp(&state.sregs.cs, &user.cs, sizeof user.cs) == 0 && memcmp(&state.sregs.ss, &user.ss, sizeof user.ss) == 0,
       "at CPL 3, with the selectors of the start");
    state.sregs.cs = before.sregs.cs;
    state.sregs.ss = before.sregs.ss;
    ok(memcmp(&state.sregs, &before.sregs, sizeof state.sregs) == 0, "and nothing else of the processor is changed");
    prepare(CODE);
    event.user = false;
    ok(!deliver(&layout, &event, &shared, ADDRESS, &state) && shared.handler == CODE,
       "an exception in ring 0 is not told");
    prepare(CODE);
    deliver(&layout, &event, &shared, ADDRESS, &state);
    event.regs.rip = 0x999;
    ok(!deliver(&layout, &event, &shared, ADDRESS, &state) && shared.rip == 17, "it is done once (FAULT-04)");
}

int main(void) {
    test_handlers();
    test_delivery();
    return done_testing();
}
