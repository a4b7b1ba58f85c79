# SPDX-License-Identifier: MIT
#
#   make            build everything            make lint      format, static analysis, scripts
#   make run        see unikernels run          make bench     the measures, as a table and build/bench.json
#   make test       all tests on this host      make coverage  which lines the tests reach
#   make test-stock the same on a stock kvm_amd under QEMU
#   make conformance   the ABI's clauses against any monitor     make mutants   that those tests can fail
#   make install    PREFIX, DESTDIR             make deb       a Debian package
#   make fuzz       random images, notes, options, rings and guests, for FUZZ_SECONDS each
#
# Everything that is built goes under build/.

VERSION := 0.2.0
BUILD := build
MAKEFLAGS += --no-builtin-rules
# V=1 shows the compiler's commands whole.
Q := $(if $(V),,@)
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

# ---- Debian packages: the one list that every target installs from ----

PACKAGES_BUILD := binutils gcc libc6-dev libelf-dev libseccomp-dev liburing-dev linux-libc-dev zlib1g-dev
PACKAGES_RUN := curl iproute2 iputils-ping util-linux
PACKAGES_FETCH := xz-utils
PACKAGES_SQLITE := tcl $(PACKAGES_BUILD)
PACKAGES_TEST := g++ lld rustc perl procps socat diffutils busybox-static cpio libarchive-tools redis-tools strace tcl wrk $(PACKAGES_FETCH) $(PACKAGES_RUN)
PACKAGES_STOCK := qemu-system-x86 e2fsprogs binutils $(PACKAGES_TEST)
PACKAGES_BENCH := binutils fio jq redis-tools wrk $(PACKAGES_RUN)
PACKAGES_LINT := binutils clang clang-format clang-tidy git perl shellcheck
PACKAGES_FUZZ := clang libclang-rt-dev perl
PACKAGES_COVERAGE := gcovr $(PACKAGES_TEST)

# $(call need,PACKAGES): installs what is missing when root, and says what to run otherwise. The lock: with -j two lists
# are installed at once, and apt-get does not wait for its own.
need = @missing=; for p in $(1); do \
		dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" != 0 ]; then \
			echo "Packages are missing; run: sudo apt-get install --no-install-recommends$$missing" >&2; exit 1; fi; \
		echo "Installing$$missing"; \
		exec 9</var/lib/dpkg && flock 9 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 $$missing >/dev/null; fi

# ---- two worlds, two recipes ----

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wundef -Wvla -Wcast-qual \
	-Wpointer-arith -Werror
ifneq (,$(findstring clang,$(CC)))
# kvm.h ends several structures in an array of no size, which the monitor embeds with their storage behind.
WARNINGS += -Wno-gnu-variable-sized-type-not-at-end
endif
COMMON := -std=gnu11 -O2 -g -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer $(WARNINGS) -MMD -MP -Iguest-abi -Iseccomp

# COVERAGE=--coverage instruments the monitor and the unit tests; see the target `coverage`.
COVERAGE :=
HOST_CFLAGS := $(COMMON) -Imonitor $(COVERAGE) -D_GNU_SOURCE -DUKVM_VERSION='"$(VERSION)"' -fPIE -fstack-protector-strong \
	-D_FORTIFY_SOURCE=2
HOST_LDFLAGS := $(COVERAGE) -static-pie -Wl,-z,relro,-z,now,-z,noexecstack
HOST_LIBS := -luring -lelf -lz

# The guest's: guest-kernel/build.mk.

# ---- what there is ----

RULES := Makefile guest-kernel/build.mk tests/build.mk

MONITOR_SOURCES := $(wildcard monitor/*.c monitor/*/*.c) seccomp/policy.c
MONITOR_OBJS := $(MONITOR_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/gen/filter.o
# A program with a build.mk says there how it is built.
FRAGMENTS := $(wildcard examples/*/build.mk)
EXAMPLES := $(patsubst examples/%/,%,$(filter-out $(dir $(FRAGMENTS)),$(wildcard examples/*/)))
EXAMPLE_ELFS := $(EXAMPLES:%=$(BUILD)/examples/%.elf)

COMPILERS := $(addprefix $(BUILD)/,ukvm-cc ukvm-c++ ukvm-rustc)

.PHONY: all lint format coverage clean compile_commands.json
all: $(BUILD)/ukvm $(COMPILERS) $(EXAMPLE_ELFS) $(BUILD)/examples/rest.elf

PACKAGE_TARGETS := $(addprefix packages-,build fetch run test stock bench lint fuzz coverage sqlite)
.PHONY: $(PACKAGE_TARGETS)
$(PACKAGE_TARGETS): packages-%:
	$(call need,$(PACKAGES_$(shell echo $* | tr a-z A-Z)))

# ---- the monitor ----

$(BUILD)/ukvm: $(MONITOR_OBJS)
	@echo "  LD  $@"
	$(Q)$(CC) $(HOST_LDFLAGS) -o $@ $^ $(HOST_LIBS)

$(BUILD)/obj/monitor/%.o: monitor/%.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(HOST_CFLAGS) -c -o $@ $<

$(BUILD)/obj/seccomp/%.o: seccomp/%.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(HOST_CFLAGS) -c -o $@ $<

# The filter of system calls, by libseccomp.
$(BUILD)/gen/make_filter: $(BUILD)/obj/seccomp/make_filter.o $(BUILD)/obj/seccomp/policy.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(COVERAGE) -pie -o $@ $^ -lseccomp

$(BUILD)/gen/filter.c: $(BUILD)/gen/make_filter
	@echo "  GEN  $@"
	$(Q)$< >$@.new && mv $@.new $@

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CFLAGS) -c -o $@ $<

# ---- sources of others ----

# $(call third-party,NAME): the folder where third-party/fetch.sh puts that source.
third-party = $(BUILD)/third-party/$(1)-$(shell awk '$$1 == "$(1)" { print $$2 }' third-party/sources)

define fetch
$(call third-party,$(1)): | packages-fetch
	$(Q)BUILD=$(BUILD) third-party/fetch.sh $(1)
endef
$(foreach name,$(shell awk '/^[a-z]/ { print $$1 }' third-party/sources),$(eval $(call fetch,$(name))))

# ---- guests ----

include guest-kernel/build.mk

$(BUILD)/obj/examples/%.o: examples/%.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

link-guest = $(CC) $(GUEST_LDFLAGS) -o $@ $(filter %.o,$^) $(GUEST_LIB)

define example
$(BUILD)/examples/$(1).elf: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard examples/$(1)/*.c)) $(GUEST_LIB)
	@mkdir -p $$(@D)
	@echo "  LD  $$@"
	$$(Q)$$(link-guest)
endef
$(foreach name,$(EXAMPLES),$(eval $(call example,$(name))))

# The compiler of programs for a C library, and what must be there before it works. Any other serves to see whether a
# program builds at all: make redis UKVM_CC='musl-gcc -static' UKVM_CC_DEPS=
UKVM_CC := $(abspath $(BUILD)/ukvm-cc)
UKVM_CC_DEPS := $(BUILD)/ukvm-cc
# What objects must be compiled anew for: not the kernel, which is only linked.
UKVM_CC_HEADERS := $(SYSROOT)/lib/libmusl.a $(SYSROOT)/lib/ukvm.specs
include $(FRAGMENTS)

$(BUILD)/tests/guests/%.elf: $(BUILD)/obj/tests/guests/%.o $(GUEST_LIB)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(link-guest)

include packaging/build.mk
include tests/build.mk

.PHONY: docs run
docs:
	docs/syscalls.sh >docs/SYSCALLS.md
	docs/architecture.sh >docs/architecture.svg

run: all | packages-run
	examples/run.sh

# ---- care of the code ----

# musl's files are in musl's style, and so are those that lie over them.
C_FILES := $(shell find guest-abi guest-kernel monitor seccomp examples tests -name '*.[ch]' -not -path '*/musl/*')
SCRIPTS := $(wildcard .ci/run third-party/*.sh docs/*.sh examples/*.sh packaging/*.sh tests/*/*.sh tests/bench/rows/*.sh tests/e2e/*.t \
	tests/fuzz/*.t tests/conformance/*.t tests/conformance/mutants/*.sh tests/conformance/mutants/*.t tests/stock/init)

lint: all $(BUILD)/gen/syscall_names.h | $(LWIP) packages-lint packages-build
	tests/lint/structure.pl
	@echo clang-format; clang-format --dry-run -Werror $(C_FILES)
	@echo clang-tidy; clang-tidy --quiet --warnings-as-errors='*' $(wildcard monitor/*.c monitor/*/*.c seccomp/*.c) -- $(filter-out -MMD -MP,$(HOST_CFLAGS)) -w
	@echo clang-tidy; clang-tidy --quiet --warnings-as-errors='*' $(POSIX_SOURCES) -- \
		$(filter-out -MMD -MP,$(POSIX_CFLAGS)) -I$(BUILD)/gen -w
	@echo clang-tidy; clang-tidy --quiet --warnings-as-errors='*' $(wildcard guest-kernel/net/*.c) -- \
		$(filter-out -MMD -MP,$(NET_CFLAGS)) -w
	@echo clang-tidy; clang-tidy --quiet --warnings-as-errors='*' \
		$(wildcard guest-kernel/core/*.c $(EXAMPLES:%=examples/%/*.c)) -- $(filter-out -MMD -MP,$(GUEST_CFLAGS)) -w
	@echo clang-tidy; clang-tidy --quiet --warnings-as-errors='*' $(wildcard examples/rest/*.c) -- \
		$(filter-out -MMD -MP,$(COMMON)) -D_GNU_SOURCE -w
	shellcheck -x $(SCRIPTS)
	$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)/clang $(EXAMPLE_ELFS:$(BUILD)/%=$(BUILD)/clang/%) $(BUILD)/clang/ukvm

format: | packages-lint
	clang-format -i $(C_FILES)

# For clangd and other tools: the compiler's command for each file, as `make` would run it.
compile_commands.json: Makefile
	$(MAKE) --no-print-directory --always-make --dry-run V=1 all 2>/dev/null | \
		awk 'BEGIN { print "["; dir = ENVIRON["PWD"] } \
			/ -c -o / { gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); \
				printf "%s{\"directory\": \"%s\", \"file\": \"%s\", \"command\": \"%s\"}", sep, dir, $$NF, $$0; sep = ",\n" } \
			END { print "\n]" }' > $@

# A monitor that is locked down cannot write its counters, so the end-to-end tests run without the sandbox here. Some of
# them notice and fail: this measures, it does not test.
coverage: | packages-coverage
	$(MAKE) --no-print-directory BUILD=$(CURDIR)/$(BUILD)/coverage COVERAGE=--coverage all test-unit \
		$(TEST_GUESTS:$(BUILD)/%=$(CURDIR)/$(BUILD)/coverage/%) $(TEST_TOOLS:$(BUILD)/%=$(CURDIR)/$(BUILD)/coverage/%)
	-BUILD=$(CURDIR)/$(BUILD)/coverage UKVM=$(CURDIR)/tests/lib/ukvm-no-sandbox.sh \
		prove --exec '' --QUIET $(filter-out %/sandbox.t %/hostile.t %/faults.t,$(E2E_TESTS)) >/dev/null 2>&1
	gcovr --root . --filter monitor/ --filter guest-kernel/ --filter examples/ --object-directory $(BUILD)/coverage \
		$(BUILD)/coverage

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
