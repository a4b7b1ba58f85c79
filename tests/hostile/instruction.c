/* SPDX-License-Identifier: MIT */
/*
 * Executes one instruction that ring 3 should not, and says so if it is still there afterwards:
 *
 *     build/ukvm run build/tests/hostile/instruction.elf hlt
 *
 * Without an argument it prints a line for each: its name, and "ends" where it must end the guest or "may" where it
 * depends on the processor or on the kind of KVM. What ABI.md, ENTRY-03, says holds for all that "ends".
 */
#include "ukvm.h"

/* A far return or jump to `selector` and the next instruction. */
#define FAR_RETURN(selector) "leaq 1f(%rip), %rax\n push $" #selector "\n push %rax\n lretq\n 1: nop"
#define FAR_CALL(selector) "push $" #selector "\n push $0x1000\n lcall *(%rsp)\n pop %rax\n pop %rax"
#define FAR_JUMP(selector) "push $" #selector "\n push $0x1000\n ljmp *(%rsp)"
#define FAR_JUMP64(selector) "leaq 1f(%rip), %rax\n push $" #selector "\n push %rax\n rex.w ljmp *(%rsp)\n 1: nop"
#define INTERRUPT_RETURN(code, stack)                                                                             \
    "leaq 1f(%rip), %rax\n mov %rsp, %rcx\n push $" #stack "\n push %rcx\n pushf\n push $" #code "\n push %rax\n" \
    "iretq\n 1: nop"
#define LOAD(selector, segment) "mov $" #selector ", %eax\n mov %eax, %" #segment
#define POPF(bits) "pushf\n orq $" #bits ", (%rsp)\n popf\n nop\n nop"
#define ON_STACK(instruction) "sub $64, %rsp\n " instruction " (%rsp)\n add $64, %rsp"

/* clang-format off */
#define INSTRUCTIONS(X) \
    X(hlt, ends, "hlt") X(cli, may, "cli") X(sti, may, "sti") X(clts, ends, "clts") \
    X(invd, ends, "invd") X(wbinvd, ends, "wbinvd") X(wbnoinvd, ends, ".byte 0xf3, 0x0f, 0x09") \
    X(invlpg, ends, "invlpg (%rsp)") X(invpcid, ends, "mov $2, %eax\n invpcid (%rsp), %rax") \
    X(cr0_read, ends, "mov %cr0, %rax") X(cr2_read, ends, "mov %cr2, %rax") X(cr3_read, ends, "mov %cr3, %rax") \
    X(cr4_read, ends, "mov %cr4, %rax") X(cr8_read, ends, "mov %cr8, %rax") \
    X(cr0_write, ends, "mov %rax, %cr0") X(cr2_write, ends, "mov %rax, %cr2") X(cr3_write, ends, "mov %rax, %cr3") \
    X(cr4_write, ends, "mov %rax, %cr4") X(cr8_write, ends, "mov %rax, %cr8") \
    X(cr1_read, ends, ".byte 0x0f, 0x20, 0xc8") X(cr15_write, ends, ".byte 0x44, 0x0f, 0x22, 0xf8") \
    X(dr0_read, ends, "mov %dr0, %rax") X(dr6_read, ends, "mov %dr6, %rax") X(dr7_read, ends, "mov %dr7, %rax") \
    X(dr0_write, ends, "mov %rax, %dr0") X(dr6_write, ends, "mov %rax, %dr6") X(dr7_write, ends, "mov %rax, %dr7") \
    X(lgdt, ends, ON_STACK("lgdt")) X(lidt, ends, ON_STACK("lidt")) \
    X(lldt, ends, "xor %eax, %eax\n lldt %ax") X(ltr, ends, "mov $0x40, %eax\n ltr %ax") \
    X(lmsw, ends, "mov $1, %eax\n lmsw %ax") \
    X(sgdt, may, ON_STACK("sgdt")) X(sidt, may, ON_STACK("sidt")) X(sldt, may, "sldt %eax") X(str, may, "str %eax") \
    X(smsw, may, "smsw %eax") \
    X(rdmsr, ends, "mov $0xc0000080, %ecx\n rdmsr") X(rdmsr_lstar, ends, "mov $0xc0000082, %ecx\n rdmsr") \
    X(wrmsr, ends, "mov $0xc0000080, %ecx\n xor %eax, %eax\n xor %edx, %edx\n wrmsr") \
    X(wrmsr_lstar, ends, "mov $0xc0000082, %ecx\n xor %eax, %eax\n xor %edx, %edx\n wrmsr") \
    X(wrmsr_kvm, ends, "mov $0x4b564d01, %ecx\n mov $1, %eax\n xor %edx, %edx\n wrmsr") \
    X(rdpmc, may, "xor %ecx, %ecx\n rdpmc") X(rdtscp, may, "rdtscp") \
    X(swapgs, ends, "swapgs") X(syscall, ends, "syscall") X(sysret, ends, "lea 1f(%rip), %rcx\n sysretq\n 1: nop") \
    X(sysret32, ends, "sysretl") X(sysenter, ends, "sysenter") X(sysexit, ends, "sysexitl") \
    X(clac, ends, "clac") X(stac, ends, "stac") \
    X(monitor, ends, "mov %rsp, %rax\n xor %ecx, %ecx\n xor %edx, %edx\n monitor") \
    X(mwait, ends, "xor %eax, %eax\n xor %ecx, %ecx\n mwait") \
    X(monitorx, may, "mov %rsp, %rax\n xor %ecx, %ecx\n xor %edx, %edx\n .byte 0x0f, 0x01, 0xfa") \
    X(xsetbv, ends, "xor %ecx, %ecx\n mov $1, %eax\n xor %edx, %edx\n xsetbv") \
    X(xgetbv, may, "xor %ecx, %ecx\n xgetbv") X(xsaves, ends, "xor %eax, %eax\n xor %edx, %edx\n xsaves (%rsp)") \
    X(xrstors, ends, "xor %eax, %eax\n xor %edx, %edx\n xrstors (%rsp)") \
    X(rsm, ends, "rsm") X(getsec, ends, "xor %eax, %eax\n .byte 0x0f, 0x37") \
    X(encls, ends, "xor %eax, %eax\n .byte 0x0f, 0x01, 0xcf") X(pconfig, ends, ".byte 0x0f, 0x01, 0xc5") \
    X(vmcall, may, "mov $-1, %rax\n vmcall") X(vmmcall, may, "mov $-1, %rax\n vmmcall") \
    X(vmfunc, ends, "mov $-1, %eax\n vmfunc") X(vmlaunch, ends, "vmlaunch") X(vmresume, ends, "vmresume") \
    X(vmxoff, ends, "vmxoff") X(vmxon, ends, "vmxon (%rsp)") X(vmclear, ends, "vmclear (%rsp)") \
    X(vmptrld, ends, "vmptrld (%rsp)") X(vmread, ends, "vmread %rax, %rcx") X(vmwrite, ends, "vmwrite %rax, %rcx") \
    X(vmrun, ends, "mov %rsp, %rax\n vmrun") X(vmload, ends, "mov %rsp, %rax\n vmload") \
    X(vmsave, ends, "mov %rsp, %rax\n vmsave") X(stgi, ends, "stgi") X(clgi, ends, "clgi") X(skinit, ends, "skinit") \
    X(invlpga, ends, "xor %eax, %eax\n xor %ecx, %ecx\n invlpga %rax, %ecx") \
    X(invept, ends, "xor %eax, %eax\n invept (%rsp), %rax") X(invvpid, ends, "xor %eax, %eax\n invvpid (%rsp), %rax") \
    X(rdpkru, may, "xor %ecx, %ecx\n rdpkru") X(cpuid, may, "mov %rbx, %r8\n xor %eax, %eax\n cpuid\n mov %r8, %rbx") \
    X(cpuid_kvm, may, "mov %rbx, %r8\n mov $0x40000000, %eax\n cpuid\n mov %r8, %rbx") \
    X(wrfsbase_far, may, "mov $1, %eax\n ror %rax\n wrfsbase %rax") \
    X(ud0, ends, ".byte 0x0f, 0xff, 0xc0") X(ud1, ends, ".byte 0x0f, 0xb9, 0xc0") X(ud2, ends, "ud2") \
    X(int1, ends, ".byte 0xf1") X(into, ends, ".byte 0xce") X(bound, ends, ".byte 0x62, 0x04, 0x24") \
    X(lock_nop, ends, ".byte 0xf0, 0x90") X(far_call_old, ends, ".byte 0x9a, 0, 0, 0, 0, 0x10, 0") \
    X(too_long, ends, ".fill 15, 1, 0x66\n nop") X(single_step, ends, POPF(0x100)) X(alignment, may, POPF(0x40000)) \
    X(nested_task, may, POPF(0x4000)) X(nested_iret, ends, POPF(0x4000) "\n" INTERRUPT_RETURN(0x33, 0x2b)) \
    X(no_iopl, may, "pushf\n andq $~0x3000, (%rsp)\n popf") X(virtual_8086, may, POPF(0x20000)) \
    X(ds_null, may, LOAD(0, ds)) X(ds_kernel, ends, LOAD(0x18, ds)) X(ds_code, ends, LOAD(0x10, ds)) \
    X(ds_beyond, ends, LOAD(0xffff, ds)) X(ds_local, ends, LOAD(0x0f, ds)) X(es_tss, ends, LOAD(0x43, es)) \
    X(ss_null, ends, LOAD(0, ss)) X(ss_kernel, ends, LOAD(0x18, ss)) X(ss_ring0, ends, LOAD(0x28, ss)) \
    X(cs_load, ends, ".byte 0x8e, 0xc8") X(fs_null, may, LOAD(0, fs)) X(gs_null, may, LOAD(0, gs)) \
    X(lar, may, "mov $0x10, %eax\n lar %ax, %ecx") X(verw, may, "mov $0x18, %eax\n verw %ax") \
    X(return_same, may, FAR_RETURN(0x33)) X(return_null, ends, FAR_RETURN(0)) X(return_ring0, ends, FAR_RETURN(0x10)) \
    X(return_rpl3, ends, FAR_RETURN(0x13)) X(return_ring1, ends, FAR_RETURN(0x31)) X(return_data, ends, FAR_RETURN(0x2b)) \
    X(return_tss, ends, FAR_RETURN(0x43)) X(return_beyond, ends, FAR_RETURN(0xffff)) \
    X(return_local, ends, FAR_RETURN(0x37)) X(return_compat, ends, FAR_RETURN(0x23)) \
    X(call_ring0, ends, FAR_CALL(0x10)) X(call_null, ends, FAR_CALL(0)) X(call_tss, ends, FAR_CALL(0x43)) \
    X(call_compat, ends, FAR_CALL(0x23)) X(jump_ring0, ends, FAR_JUMP(0x10)) X(jump_null, ends, FAR_JUMP(0)) \
    X(jump_tss, ends, FAR_JUMP(0x43)) X(jump_same, ends, FAR_JUMP(0x33)) X(jump64_ring0, ends, FAR_JUMP64(0x10)) \
    X(iret_same, may, INTERRUPT_RETURN(0x33, 0x2b)) X(iret_ring0, ends, INTERRUPT_RETURN(0x10, 0x18)) \
    X(iret_ring1, ends, INTERRUPT_RETURN(0x31, 0x29)) X(iret_mixed, ends, INTERRUPT_RETURN(0x33, 0x18)) \
    X(iret_null, ends, INTERRUPT_RETURN(0, 0)) X(iret_data, ends, INTERRUPT_RETURN(0x2b, 0x2b)) \
    X(iret_no_stack, ends, INTERRUPT_RETURN(0x33, 0)) X(iret_tss, ends, INTERRUPT_RETURN(0x43, 0x2b))
/* clang-format on */

#define FUNCTION(name, fate, text)                       \
    static __attribute__((naked)) void do_##name(void) { \
        __asm__(text "\n ret");                          \
    }
INSTRUCTIONS(FUNCTION)

#define ROW(name, fate, text) {#name, #fate, do_##name},
static const struct {
    const char *name, *fate;
    void (*execute)(void);
} instructions[] = {INSTRUCTIONS(ROW)};

/* A KVM without VMX and SVM takes `int 26` and does nothing; hardware raises #GP as for any other. */
#define VECTOR_IGNORED 26u

/* `int 0` to `int 255`, four bytes each. */
__asm__(".pushsection .text\n"
        "interrupts: .set vector, 0\n"
        ".rept 256\n .byte 0xcd, vector, 0xc3, 0xcc\n .set vector, vector + 1\n .endr\n"
        ".popsection");
extern const uint8_t interrupts[256][4];

static void list(void) {
    for (size_t i = 0; i < sizeof instructions / sizeof instructions[0]; i++)
        uk_printf("%s %s\n", instructions[i].name, instructions[i].fate);
    for (unsigned vector = 0; vector < 256; vector++)
        uk_printf("%u %s\n", vector, vector == VECTOR_IGNORED ? "may" : "ends");
}

static void execute(void (*instruction)(void)) {
    instruction();
    /* What it changed of the segments and the flags must not end what follows. */
    __asm__ volatile("cld");
}

int main(int argc, char **argv) {
    uint64_t vector;
    if (argc < 2) {
        list();
        return 0;
    }
    for (size_t i = 0; i < sizeof instructions / sizeof instructions[0]; i++)
        if (strcmp(argv[1], instructions[i].name) == 0)
            execute(instructions[i].execute);
    if (uk_parse_u64(argv[1], &vector) && vector < 256)
        execute((void (*)(void))(uintptr_t)interrupts[vector]);
    uk_printf("survived %s\n", argv[1]);
    return 1;
}
