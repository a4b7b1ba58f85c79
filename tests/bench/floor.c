/* SPDX-License-Identifier: MIT */
/*
 * The floor of start-up time: the least a process can do and still have run a virtual machine. One VM, one memory
 * region, one vCPU, one instruction, exit. Whatever `ukvm run` takes beyond this is the monitor's own doing.
 *
 * The vCPU is left as reset made it: real mode, CS base 0xffff0000, IP 0xfff0. So the region sits below 4 GiB and no
 * register has to be set, which makes this a stricter floor than a program that calls KVM_SET_SREGS.
 *
 * The return value names the step that failed; stdio would add to what is measured.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define REGION_BASE 0xfffff000u
#define REGION_SIZE 0x1000u
#define RESET_IP 0xff0u
#define PORT 0x42u

int main(void) {
    static const uint8_t code[] = {0xe6, PORT}; /* out %al, $PORT */

    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0)
        return 1;
    int vm = ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm < 0)
        return 2;
    int run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (run_size < (int)sizeof(struct kvm_run))
        return 3;

    uint8_t *mem = mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mem == MAP_FAILED)
        return 4;
    for (unsigned i = 0; i < sizeof(code); i++)
        mem[RESET_IP + i] = code[i];
    struct kvm_userspace_memory_region region = {
        .guest_phys_addr = REGION_BASE, .memory_size = REGION_SIZE, .userspace_addr = (uintptr_t)mem};
    if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
        return 5;

    int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    if (vcpu < 0)
        return 6;
    const struct kvm_run *run = mmap(NULL, (size_t)run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    if (run == MAP_FAILED)
        return 7;
    if (ioctl(vcpu, KVM_RUN, 0) < 0)
        return 8;
    if (run->exit_reason != KVM_EXIT_IO || run->io.port != PORT)
        return 9;
    return 0;
}
