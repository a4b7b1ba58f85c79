# SPDX-License-Identifier: MIT
#
# The guest side. Two libraries: libukvm-guest.a for programs against include/ukvm.h alone, and for ordinary C programs a
# sysroot, build/sysroot/, with musl, the kernel behind its system calls and the compiler's wrapper build/ukvm-cc.

GUEST_CFLAGS := $(COMMON) -Iguest-kernel/include -Iguest-kernel -ffreestanding -fPIE -fcf-protection=none \
	-fstack-clash-protection -fstack-protector-strong -ffunction-sections -fdata-sections
GUEST_LDFLAGS := -nostdlib -static-pie -fPIE -e _start \
	-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,--no-dynamic-linker,--build-id=none,--gc-sections

guest-objects = $(patsubst %,$(BUILD)/obj/%.o,$(basename $(1)))
CORE_OBJS := $(call guest-objects,$(wildcard guest-kernel/core/*.c guest-kernel/core/*.S))
# One folder for each family of system calls, and what libstdc++ asks for, which needs the same headers.
POSIX_SOURCES := $(wildcard guest-kernel/posix/*.c guest-kernel/posix/*/*.c guest-kernel/toolchain/*.c)
OPENMP_SOURCES := $(wildcard guest-kernel/toolchain/openmp/*.c)
POSIX_OBJS := $(call guest-objects,$(POSIX_SOURCES) $(wildcard guest-kernel/posix/*/*.S))
GUEST_LIB := $(BUILD)/libukvm-guest.a

$(BUILD)/obj/guest-kernel/%.o: guest-kernel/%.c Makefile guest-kernel/build.mk | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(GUEST_CFLAGS) $(GUEST_CFLAGS_$*) -c -o $@ $<

$(BUILD)/obj/guest-kernel/%.o: guest-kernel/%.S Makefile guest-kernel/build.mk | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(GUEST_LIB): $(CORE_OBJS)
	$(Q)rm -f $@
	@echo "  AR  $@"
	$(Q)$(AR) rcs $@ $^

# ---- musl, with the files of guest-kernel/musl/ laid over its own ----

SYSROOT := $(BUILD)/sysroot
SYSROOT_PATH := $(abspath $(SYSROOT))
MUSL := $(BUILD)/musl
MUSL_OVERLAY := $(shell find guest-kernel/musl -type f)
# Where files in C lie beside them that are faster.
MUSL_REMOVED := string/x86_64/memcpy.s string/x86_64/memmove.s
# For speed, the rest for size.
MUSL_OPTIMIZE := internal,malloc,malloc/kernel/,string
# Linux's own, which belong to no C library: <linux/futex.h> and the like. Debian: linux-libc-dev.
# Asked when it is used, and once: on a bare machine the compiler is only installed by the first targets.
MULTIARCH = $(eval MULTIARCH := $(shell $(CC) -print-multiarch))$(MULTIARCH)
CC_INCLUDE = $(eval CC_INCLUDE := $(shell $(CC) -print-file-name=include))$(CC_INCLUDE)
LINUX_HEADERS = $(addprefix /usr/include/,linux asm-generic mtd $(MULTIARCH)/asm)
# BSD's lists, which musl has not and programs expect: macros that need nothing else. Debian: libc6-dev.
BSD_HEADERS = /usr/include/$(MULTIARCH)/sys/queue.h
# What calls back into the program, which may leave it by an exception: as in glibc.
MUSL_CALLS_BACK := dirent/scandir misc/nftw regex/glob search/lsearch search/tdelete search/tfind search/tsearch search/twalk \
	stdlib/bsearch stdlib/qsort stdlib/qsort_nr thread/pthread_once
MUSL_CFLAGS := -fPIE -g -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fcf-protection=none \
	-fstack-clash-protection

$(SYSROOT)/lib/libmusl.a: $(MUSL_OVERLAY) third-party/sources guest-kernel/build.mk | packages-build $(call third-party,musl)
	@echo "  MUSL  $@"
	$(Q)rm -rf $(MUSL) && mkdir -p $(MUSL)/obj && cp -r $(call third-party,musl) $(MUSL)/src
	$(Q)cp $(MUSL)/src/src/network/res_msend.c $(MUSL)/src/src/network/res_msend_udp.h
	$(Q)cp -r guest-kernel/musl/. $(MUSL)/src/
	$(Q)rm $(addprefix $(MUSL)/src/src/,$(MUSL_REMOVED))
	$(Q)cd $(MUSL)/obj && ../src/configure --prefix=$(SYSROOT_PATH) --syslibdir=$(SYSROOT_PATH)/lib --disable-shared \
		--disable-wrapper --with-malloc=kernel --enable-optimize=$(MUSL_OPTIMIZE) CC="$(CC)" CFLAGS="$(MUSL_CFLAGS)" >configure.log && \
		echo '$(MUSL_CALLS_BACK:%=obj/src/%.lo): CFLAGS_ALL += -fexceptions -funwind-tables' >>config.mak
	$(Q)$(MAKE) -C $(MUSL)/obj --no-print-directory install >$(MUSL)/obj/make.log 2>&1 || { tail -n 20 $(MUSL)/obj/make.log >&2; false; }
	$(Q)ln -sfn -t $(SYSROOT)/include $(LINUX_HEADERS) && ln -sfn -t $(SYSROOT)/include/sys $(BSD_HEADERS)
	$(Q)mv $(SYSROOT)/lib/libc.a $@ && touch $@

# ---- the kernel behind musl ----

# Handlers of system calls are named in the table and nowhere else, so they have no prototypes.
# The only headers are musl's, the compiler's and the kernel's own. There is a C library to fall back on, so the compiler may
# know its functions: memcpy() of some bytes is no call then.
POSIX_CFLAGS = $(GUEST_CFLAGS) -fbuiltin -nostdinc -isystem $(SYSROOT)/include -isystem $(CC_INCLUDE) \
	-D_GNU_SOURCE -Wno-missing-prototypes

$(patsubst %.c,$(BUILD)/obj/%.o,$(POSIX_SOURCES) $(OPENMP_SOURCES)): $(BUILD)/obj/%.o: %.c $(RULES) $(SYSROOT)/lib/libmusl.a
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(POSIX_CFLAGS) -c -o $@ $<

# The names of the system calls by number, from musl's header.
$(BUILD)/gen/syscall_names.h: $(SYSROOT)/lib/libmusl.a
	@mkdir -p $(@D)
	$(Q)sed -n 's/^#define __NR_\([a-z0-9_]*\)[[:space:]].*/[SYS_\1] = "\1",/p' $(SYSROOT)/include/bits/syscall.h >$@

$(BUILD)/obj/guest-kernel/posix/syscall.o: $(BUILD)/gen/syscall_names.h
$(BUILD)/obj/guest-kernel/posix/syscall.o: POSIX_CFLAGS += -I$(BUILD)/gen

# ---- sockets: guest-kernel/net/ over lwIP ----
#
# One object, that uk_sys_socket pulls in whole and --gc-sections thins out. Only the system calls are seen outside of it:
# a program may have a tcp_write() of its own.

LWIP := $(call third-party,lwip)
LWIP_OBJS := $(patsubst %,$(BUILD)/obj/lwip/%.o, \
	core/altcp core/def core/dns core/inet_chksum core/init core/ip core/mem core/memp core/netif core/pbuf core/raw core/tcp \
	core/tcp_in core/tcp_out core/udp core/ipv4/dhcp core/ipv4/etharp core/ipv4/icmp core/ipv4/ip4 \
	core/ipv4/ip4_addr core/ipv4/ip4_frag core/ipv6/ethip6 core/ipv6/icmp6 core/ipv6/ip6 core/ipv6/ip6_addr \
	core/ipv6/ip6_frag core/ipv6/mld6 core/ipv6/nd6 netif/ethernet)
NET_OBJS := $(call guest-objects,$(wildcard guest-kernel/net/*.c))
NET_CFLAGS = $(POSIX_CFLAGS) -Iguest-kernel/net/lwip -isystem $(LWIP)/src/include

$(LWIP_OBJS): $(BUILD)/obj/lwip/%.o: guest-kernel/net/lwip/lwipopts.h $(RULES) $(SYSROOT)/lib/libmusl.a | $(LWIP)
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(NET_CFLAGS) -w -c -o $@ $(LWIP)/src/$*.c

# See net/tcp_find.c and net/tcp_output.c.
$(BUILD)/obj/lwip/core/tcp_in.o: NET_CFLAGS += '-Dtcp_active_pcbs=(*uk_tcp_first())'
$(BUILD)/obj/lwip/core/tcp_out.o: NET_CFLAGS += -Dtcp_output=uk_lwip_output

$(NET_OBJS): $(BUILD)/obj/guest-kernel/net/%.o: guest-kernel/net/%.c $(RULES) $(SYSROOT)/lib/libmusl.a | $(LWIP)
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(NET_CFLAGS) -c -o $@ $<

$(BUILD)/obj/guest-kernel/sockets.o: $(NET_OBJS) $(LWIP_OBJS)
	@echo "  LD  $@"
	$(Q)$(LD) -r -o $@ $^ && objcopy --wildcard --keep-global-symbol='uk_sys_*' --keep-global-symbol=uk_net_resolv_conf $@

$(SYSROOT)/lib/libukvm.a: $(filter-out %/main.o %/note.o %/entry.o %/string.o,$(CORE_OBJS)) \
		$(filter-out %/posix/note.o %/toolchain/rust.o,$(POSIX_OBJS)) \
		$(BUILD)/obj/guest-kernel/sockets.o
	$(Q)rm -f $@
	@echo "  AR  $@"
	$(Q)$(AR) rcs $@ $^

# The entry point and the image's note are in every program.
$(SYSROOT)/lib/ukvm.o: $(BUILD)/obj/guest-kernel/core/entry.o $(BUILD)/obj/guest-kernel/posix/note.o
	$(Q)$(LD) -r -o $@ $^

# The C library is two, each of which needs the other: a script for the linker is as good as a library wherever one is named.
# rustc names the second.
LIBRARY_SCRIPTS := $(SYSROOT)/lib/libc.a $(SYSROOT)/lib/libgcc_s.a
$(SYSROOT)/lib/libc.a: $(SYSROOT)/lib/libmusl.a
	$(Q)echo 'GROUP(-lmusl -lukvm -lgcc -lgcc_eh)' >$@

$(SYSROOT)/lib/libgcc_s.a: $(SYSROOT)/lib/libmusl.a
	$(Q)echo 'GROUP(-lgcc -lgcc_eh -lukvm-rust)' >$@

$(SYSROOT)/lib/libukvm-rust.a: $(BUILD)/obj/guest-kernel/toolchain/rust.o
	$(Q)rm -f $@ && $(AR) rcs $@ $<

# See toolchain/openmp/.
$(SYSROOT)/lib/libgomp.a: $(patsubst %.c,$(BUILD)/obj/%.o,$(OPENMP_SOURCES))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# -fsanitize=undefined needs none: what it finds is a trap.
$(SYSROOT)/lib/libubsan.a: $(SYSROOT)/lib/libmusl.a
	$(Q)rm -f $@ && $(AR) rcs $@

$(SYSROOT)/lib/ukvm.specs: guest-kernel/toolchain/ukvm.specs
	@mkdir -p $(@D)
	$(Q)cp $< $@

# Read before every source in C++; what else Debian's libstdc++ needs is in toolchain/.
$(SYSROOT)/include/ukvm-c++.h: guest-kernel/toolchain/ukvm-c++.h $(SYSROOT)/lib/libmusl.a
	$(Q)cp $< $@

SYSROOT_FILES := $(addprefix $(SYSROOT)/,lib/ukvm.specs lib/ukvm.o lib/libukvm.a lib/libmusl.a lib/libubsan.a \
	lib/libukvm-rust.a lib/libgomp.a include/ukvm-c++.h) \
	$(LIBRARY_SCRIPTS)

# They find the sysroot by where they are themselves, so that they can be moved with it; SYSROOT is seen from there. ukvm-cc
# and ukvm-c++ are one script, which looks at its name.
$(BUILD)/ukvm-cc $(BUILD)/ukvm-c++: guest-kernel/toolchain/ukvm-cc.in $(SYSROOT_FILES)
	$(Q)sed 's|@SYSROOT@|sysroot|' $< >$@ && chmod +x $@

$(BUILD)/ukvm-rustc: guest-kernel/toolchain/ukvm-rustc $(BUILD)/ukvm-cc
	$(Q)cp $< $@
