/* SPDX-License-Identifier: MIT */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpuid.h"
#include "traps.h"

/* AMD64 APM vol. 2, 3.1. */
#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_ET (1u << 4)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_PG (1u << 31)
#define CR4_PAE (1u << 5)
#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)
#define EFER_NXE (1u << 11)
#define MSR_LSTAR 0xc0000082u

#define CREATE_TRIES 100 /* making a machine is given up when a signal comes, a debugger's too */

static const struct {
    int capability;
    const char *name;
} required[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"}, {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
    {KVM_CAP_GET_TSC_KHZ, "KVM_CAP_GET_TSC_KHZ"}, {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS"},
};

static int kvm_error(const char *what, struct error *err) {
    return error_set(err, EXIT_MONITOR, "/dev/kvm: %s: %s", what, strerror(errno));
}

static int open_error(struct error *err) {
    switch (errno) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return error_set(err, EXIT_MONITOR,
                         "/dev/kvm: %s: load the module kvm_intel, kvm_amd or kvm_pvm, or enable virtualization in the "
                         "firmware or of the cloud machine",
                         strerror(errno));
    case EACCES:
    case EPERM:
        return error_set(err, EXIT_MONITOR,
                         "/dev/kvm: %s: add your user to the group that owns it ('kvm' on Debian) and log in again",
                         strerror(errno));
    default:
        return kvm_error("open", err);
    }
}

static int check_capabilities(const struct vm *vm, struct error *err) {
    int version = ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0);
    if (version < 0)
        return kvm_error("KVM_GET_API_VERSION", err);
    if (version != KVM_API_VERSION)
        return error_set(err, EXIT_MONITOR, "/dev/kvm: API version is %d, not %d", version, KVM_API_VERSION);
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, required[i].capability) <= 0)
            return error_set(err, EXIT_MONITOR, "/dev/kvm: lacks %s: use Linux 6.1 or newer", required[i].name);
    return 0;
}

int vm_open(struct vm *vm, struct error *err) {
    vm->kvm_fd = vm->vm_fd = vm->vcpu_fd = -1;
    vm->slots = 0;
    vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (vm->kvm_fd < 0)
        return open_error(err);
    if (check_capabilities(vm, err))
        return -1;
    for (unsigned tries = 0; tries < CREATE_TRIES && vm->vm_fd < 0 && (tries == 0 || errno == EINTR); tries++)
        vm->vm_fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
    if (vm->vm_fd < 0)
        return kvm_error("KVM_CREATE_VM", err);
    return cpuid_read(vm->kvm_fd, &vm->cpuid, &vm->cpu, err);
}

int vm_add_region(struct vm *vm, const struct region *region, enum vm_access access, struct error *err) {
    struct kvm_userspace_memory_region slot = {
        .slot = vm->slots,
        .flags = access == VM_READ_ONLY ? KVM_MEM_READONLY : 0,
        .guest_phys_addr = region->base,
        .memory_size = region->size,
        .userspace_addr = (uintptr_t)region->host,
    };
    if (ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
        return kvm_error("KVM_SET_USER_MEMORY_REGION", err);
    vm->slots++;
    return 0;
}

int vm_add_vcpu(struct vm *vm, struct error *err) {
    vm->vcpu_fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, 0);
    if (vm->vcpu_fd < 0)
        return kvm_error("KVM_CREATE_VCPU", err);
    int size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (size < (int)sizeof *vm->run)
        return kvm_error("KVM_GET_VCPU_MMAP_SIZE", err);
    vm->run_size = (size_t)size;
    vm->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu_fd, 0);
    if (vm->run == MAP_FAILED)
        return kvm_error("mmap of the vCPU", err);
    if (ioctl(vm->vcpu_fd, KVM_SET_CPUID2, &vm->cpuid) < 0)
        return kvm_error("KVM_SET_CPUID2", err);
    return 0;
}

static int set_lstar(struct vm *vm, uint64_t target, struct error *err) {
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
    } msrs = {.head.nmsrs = 1, .entry = {.index = MSR_LSTAR, .data = target}};
    if (ioctl(vm->vcpu_fd, KVM_SET_MSRS, &msrs) != 1)
        return kvm_error("KVM_SET_MSRS", err);
    return 0;
}

/* The extended state that XSAVE manages; without it AVX is off, but on a host that runs ring 3 natively. */
static int set_xcr0(struct vm *vm, struct error *err) {
    struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs = {{.xcr = 0, .value = vm->cpu.xcr0}}};
    if (vm->cpu.xcr0 && ioctl(vm->vcpu_fd, KVM_SET_XCRS, &xcrs) < 0)
        return kvm_error("KVM_SET_XCRS", err);
    return 0;
}

int vm_set_entry(struct vm *vm, const struct vm_entry *entry, struct error *err) {
    struct kvm_sregs sregs;
    if (ioctl(vm->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
        return kvm_error("KVM_GET_SREGS", err);
    traps_set_registers(entry->system, &sregs);
    sregs.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
    sregs.cr3 = entry->page_table;
    sregs.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | vm->cpu.cr4;
    sregs.efer = EFER_LME | EFER_LMA | EFER_NXE;
    if (ioctl(vm->vcpu_fd, KVM_SET_SREGS, &sregs) < 0)
        return kvm_error("KVM_SET_SREGS", err);
    struct kvm_regs regs = {
        .rip = entry->rip,
        .rsp = entry->rsp,
        .rdi = entry->rdi,
        .rflags = TRAPS_RFLAGS,
    };
    if (ioctl(vm->vcpu_fd, KVM_SET_REGS, &regs) < 0)
        return kvm_error("KVM_SET_REGS", err);
    return set_xcr0(vm, err) || set_lstar(vm, traps_syscall_target(entry->system), err) ? -1 : 0;
}

int vm_start_clock(struct vm *vm, struct clock *clock, struct error *err) {
    uint64_t offset = 0;
    struct kvm_device_attr attr = {
        .group = KVM_VCPU_TSC_CTRL,
        .attr = KVM_VCPU_TSC_OFFSET,
        .addr = (uintptr_t)&offset,
    };
    if (ioctl(vm->vcpu_fd, KVM_SET_DEVICE_ATTR, &attr) < 0)
        return kvm_error("KVM_VCPU_TSC_OFFSET", err);
    int khz = ioctl(vm->vcpu_fd, KVM_GET_TSC_KHZ, 0);
    if (khz <= 0)
        return kvm_error("KVM_GET_TSC_KHZ", err);
    *clock = (struct clock){.tsc_base = __builtin_ia32_rdtsc(), .tsc_mult = clock_mult((uint64_t)khz)};
    return 0;
}

int vm_set_signal_mask(struct vm *vm, const sigset_t *mask, struct error *err) {
    struct {
        struct kvm_signal_mask head;
        uint64_t bits;
    } argument = {.head.len = sizeof(uint64_t)};
    memcpy(&argument.head.sigset, mask, sizeof(uint64_t)); /* the kernel's set is the first word of the library's */
    if (ioctl(vm->vcpu_fd, KVM_SET_SIGNAL_MASK, &argument) < 0)
        return kvm_error("KVM_SET_SIGNAL_MASK", err);
    return 0;
}

int vm_run(struct vm *vm) {
    return ioctl(vm->vcpu_fd, KVM_RUN, 0) < 0 ? -errno : 0;
}

int vm_read_registers(struct vm *vm) {
    vm->run->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
    vm->run->immediate_exit = 1;
    int result = vm_run(vm);
    vm->run->immediate_exit = 0;
    vm->run->kvm_valid_regs = 0;
    return result == -EINTR ? 0 : result ? result : -EIO;
}

void vm_write_registers(struct vm *vm) {
    vm->run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
}

#define EXIT_NAME(reason) [reason] = #reason

static const char *const exit_names[] = {
    EXIT_NAME(KVM_EXIT_UNKNOWN),      EXIT_NAME(KVM_EXIT_EXCEPTION),
    EXIT_NAME(KVM_EXIT_IO),           EXIT_NAME(KVM_EXIT_HYPERCALL),
    EXIT_NAME(KVM_EXIT_DEBUG),        EXIT_NAME(KVM_EXIT_HLT),
    EXIT_NAME(KVM_EXIT_MMIO),         EXIT_NAME(KVM_EXIT_IRQ_WINDOW_OPEN),
    EXIT_NAME(KVM_EXIT_SHUTDOWN),     EXIT_NAME(KVM_EXIT_FAIL_ENTRY),
    EXIT_NAME(KVM_EXIT_INTR),         EXIT_NAME(KVM_EXIT_INTERNAL_ERROR),
    EXIT_NAME(KVM_EXIT_SYSTEM_EVENT), EXIT_NAME(KVM_EXIT_X86_RDMSR),
    EXIT_NAME(KVM_EXIT_X86_WRMSR),    EXIT_NAME(KVM_EXIT_X86_BUS_LOCK),
};

const char *vm_exit_name(uint32_t reason) {
    const char *name = reason < sizeof exit_names / sizeof *exit_names ? exit_names[reason] : NULL;
    return name ? name : "an unknown KVM exit";
}
