# SPDX-License-Identifier: MIT
#
#   make            build everything            make lint      format, static analysis, scripts
#   make run        see unikernels run          make bench     the measures, as a table and build/bench.json
#   make test       all tests on this host      make coverage  which lines the tests reach
#   make test-stock the same on a stock kvm_amd under QEMU
#
# Everything that is built goes under build/.

VERSION := 0.1.0
BUILD := build
MAKEFLAGS += --no-builtin-rules
# V=1 shows the compiler's commands whole.
Q := $(if $(V),,@)
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

# ---- Debian packages: the one list that every target installs from ----

PACKAGES_BUILD := gcc libc6-dev libelf-dev libseccomp-dev liburing-dev zlib1g-dev
PACKAGES_RUN := iproute2 iputils-ping util-linux
PACKAGES_FETCH := xz-utils
PACKAGES_SQLITE := tcl $(PACKAGES_BUILD)
PACKAGES_TEST := perl procps socat diffutils curl redis-tools strace tcl wrk $(PACKAGES_FETCH) $(PACKAGES_RUN)
PACKAGES_STOCK := qemu-system-x86 busybox-static e2fsprogs binutils $(PACKAGES_TEST)
PACKAGES_BENCH := binutils curl fio jq redis-tools wrk $(PACKAGES_RUN)
PACKAGES_LINT := clang clang-format clang-tidy shellcheck
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
HOST_CFLAGS := $(COMMON) $(COVERAGE) -D_GNU_SOURCE -DUKVM_VERSION='"$(VERSION)"' -fPIE -fstack-protector-strong \
	-D_FORTIFY_SOURCE=2
HOST_LDFLAGS := $(COVERAGE) -static-pie -Wl,-z,relro,-z,now,-z,noexecstack
HOST_LIBS := -luring -lelf -lseccomp -lz

# The guest's: guest-kernel/build.mk.

# Tests on the host run under the sanitizers.
UNIT_CFLAGS := $(COMMON) $(COVERAGE) -D_GNU_SOURCE -Imonitor -Iguest-kernel/include -Iguest-kernel -Itests/unit \
	-fsanitize=address,undefined -fno-sanitize-recover=all

# ---- what there is ----

MONITOR_OBJS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard monitor/*.c seccomp/*.c))
# A program with a build.mk says there how it is built.
FRAGMENTS := $(wildcard examples/*/build.mk)
EXAMPLES := $(patsubst examples/%/,%,$(filter-out $(dir $(FRAGMENTS)),$(wildcard examples/*/)))
EXAMPLE_ELFS := $(EXAMPLES:%=$(BUILD)/examples/%.elf)
TEST_GUESTS := $(patsubst tests/guests/%.c,$(BUILD)/tests/guests/%.elf,$(wildcard tests/guests/*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%.t,$(wildcard tests/unit/*.c))
POSIX_TESTS := $(patsubst tests/posix/%.c,$(BUILD)/tests/posix/%,$(wildcard tests/posix/*.c))
POSIX_TEST_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -pthread -Itests/unit
TEST_TOOLS := $(patsubst tests/tools/%.c,$(BUILD)/tests/tools/%,$(wildcard tests/tools/*.c))
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/*.c))
# Those of them that are measured as unikernels, too
BENCH_ELFS := $(patsubst %,$(BUILD)/tests/bench/%.elf,hello_libc syscall tcp_stream)
E2E_TESTS := $(wildcard tests/e2e/*.t)

.PHONY: all docs run test test-unit test-e2e test-stock bench lint format coverage clean compile_commands.json
all: $(BUILD)/ukvm $(BUILD)/ukvm-cc $(EXAMPLE_ELFS)

PACKAGE_TARGETS := $(addprefix packages-,build fetch run test stock bench lint coverage sqlite)
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

# ---- guests ----

include guest-kernel/build.mk

$(BUILD)/obj/examples/%.o: examples/%.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(BUILD)/obj/tests/guests/%.o: tests/guests/%.c Makefile | packages-build
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

# $(call third-party,NAME): the folder where third-party/fetch.sh puts that source.
third-party = $(BUILD)/third-party/$(1)-$(shell awk '$$1 == "$(1)" { print $$2 }' third-party/sources)

define fetch
$(call third-party,$(1)): | packages-fetch
	$(Q)BUILD=$(BUILD) third-party/fetch.sh $(1)
endef
$(foreach name,$(shell awk '/^[a-z]/ { print $$1 }' third-party/sources),$(eval $(call fetch,$(name))))

# The compiler of programs for a C library, and what must be there before it works. Any other serves to see whether a
# program builds at all: make redis UKVM_CC='musl-gcc -static' UKVM_CC_DEPS=
UKVM_CC := $(abspath $(BUILD)/ukvm-cc)
UKVM_CC_DEPS := $(BUILD)/ukvm-cc
include $(FRAGMENTS)

$(BUILD)/tests/guests/%.elf: $(BUILD)/obj/tests/guests/%.o $(GUEST_LIB)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(link-guest)


# ---- tests ----

# Ordinary C programs, for the guest and for this host: both must say the same.
$(BUILD)/tests/posix/%.elf: tests/posix/%.c tests/unit/tap.h $(BUILD)/ukvm-cc
	@mkdir -p $(@D)
	@echo "  UKVM-CC  $@"
	$(Q)$(BUILD)/ukvm-cc $(POSIX_TEST_CFLAGS) -o $@ $<

$(BUILD)/tests/posix/%: tests/posix/%.c tests/unit/tap.h | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(POSIX_TEST_CFLAGS) -o $@ $<

# A unit test names the sources it is linked with in a comment: links: monitor/ring.c ...
$(BUILD)/obj/unit/%.o: %.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(UNIT_CFLAGS) -c -o $@ $<

# See POSIX_CFLAGS.
$(BUILD)/obj/unit/guest-kernel/posix/%: UNIT_CFLAGS += -Wno-missing-prototypes

define unit-test
$(BUILD)/tests/unit/$(1).t: $(BUILD)/obj/unit/tests/unit/$(1).o \
		$(patsubst %.c,$(BUILD)/obj/unit/%.o,$(shell sed -n 's|.*links: \(.*\)\*/|\1|p' tests/unit/$(1).c))
	@mkdir -p $$(@D)
	@echo "  LD  $$@"
	$$(Q)$$(CC) $(COVERAGE) -fsanitize=address,undefined -o $$@ $$(filter %.o,$$^) $$(UNIT_LIBS_$(1))
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call unit-test,$(basename $(notdir $(t))))))
UNIT_LIBS_image := -lelf
UNIT_LIBS_load := -lelf

$(BUILD)/tests/tools/%: tests/tools/%.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(COMMON) -D_GNU_SOURCE -o $@ $(filter %.c,$^)

$(BUILD)/tests/tools/mkelf: tests/lib/elfgen.c tests/lib/elfgen_changes.c tests/lib/elfgen.h

$(BUILD)/tests/bench/%: tests/bench/%.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(COMMON) -D_GNU_SOURCE -static -o $@ $<

$(BENCH_ELFS): $(BUILD)/tests/bench/%.elf: tests/bench/%.c $(UKVM_CC_DEPS)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(UKVM_CC) $(WARNINGS) -std=gnu11 -O2 -g -D_GNU_SOURCE -o $@ $<

# The monitor, but with an attempt to break out in the place of the guest's run.
$(BUILD)/tests/ukvm-probe: $(MONITOR_OBJS) $(BUILD)/obj/tests/sandbox/probe.o
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(HOST_LDFLAGS) -Wl,--wrap=run_guest,--wrap=lockdown -o $@ $^ $(HOST_LIBS)

$(BUILD)/obj/tests/sandbox/%.o: tests/sandbox/%.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(HOST_CFLAGS) -Imonitor -c -o $@ $<

# ---- conformance: raw guests against any monitor (UKVM=PATH), and monitors that are broken on purpose ----

CONFORMANCE_TESTS := $(wildcard tests/conformance/*.t)
CONFORMANCE_GUESTS := $(patsubst tests/conformance/%.c,$(BUILD)/tests/conformance/%.elf, \
	$(filter-out %/guest.c,$(wildcard tests/conformance/*.c))) $(BUILD)/tests/conformance/boot-relr.elf
# No guest kernel, and nothing on the stack that a check does not put there.
CONFORMANCE_CFLAGS := $(COMMON) -ffreestanding -fPIE -fcf-protection=none -fno-stack-protector -mno-red-zone

$(BUILD)/obj/tests/conformance/%.o: tests/conformance/%.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(CONFORMANCE_CFLAGS) -c -o $@ $<

$(BUILD)/tests/conformance/%.elf: $(BUILD)/obj/tests/conformance/%.o $(BUILD)/obj/tests/conformance/guest.o
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(GUEST_LDFLAGS) -o $@ $^

$(BUILD)/tests/conformance/boot-relr.elf: $(BUILD)/obj/tests/conformance/boot.o $(BUILD)/obj/tests/conformance/guest.o
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(GUEST_LDFLAGS) -Wl,-z,pack-relative-relocs -o $@ $^

conformance: all $(CONFORMANCE_GUESTS) $(TEST_TOOLS) | packages-test
	tests/conformance/run.sh


# The monitor under the sanitizers, for hostile guests. The static liburing: the shared one does not export all of it (2.3).
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all

$(BUILD)/tests/ukvm-asan: $(MONITOR_OBJS:$(BUILD)/obj/%=$(BUILD)/obj/asan/%)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(COVERAGE) $(SANITIZE) -o $@ $^ -l:liburing.a -lelf -lseccomp -lz

$(BUILD)/obj/asan/%.o: %.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(filter-out -D_FORTIFY_SOURCE=2,$(HOST_CFLAGS)) $(SANITIZE) -c -o $@ $<

# The monitor with faults from below, by its environment, and a log of what reaches a disk.
$(BUILD)/tests/ukvm-faults: $(MONITOR_OBJS) $(BUILD)/obj/tests/faults/inject.o
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(HOST_LDFLAGS) $(FAULTS_WRAP:%=-Wl,--wrap=%) -o $@ $^ $(HOST_LIBS)
FAULTS_WRAP := options_parse_run ops_finish ops_take request_tag request_complete malloc calloc realloc

$(BUILD)/obj/tests/faults/%.o: tests/faults/%.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(HOST_CFLAGS) -Imonitor -c -o $@ $<

HOSTILE_GUESTS := $(patsubst tests/hostile/%.c,$(BUILD)/tests/hostile/%.elf,$(wildcard tests/hostile/*.c))

$(BUILD)/obj/tests/hostile/%.o: tests/hostile/%.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(BUILD)/tests/hostile/%.elf: $(BUILD)/obj/tests/hostile/%.o $(GUEST_LIB)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(link-guest)


# Programs of examples/ that the tests also run as ordinary ones of this host
NATIVE := rest lua sqlite speedtest1

TEST_INPUTS := all $(NATIVE:%=$(BUILD)/native/%) $(UNIT_TESTS) $(TEST_GUESTS) $(POSIX_TESTS) \
	$(POSIX_TESTS:%=%.elf) $(TEST_TOOLS) $(BUILD)/tests/ukvm-probe
TEST_INPUTS += $(BUILD)/tests/ukvm-asan $(BUILD)/tests/ukvm-faults $(HOSTILE_GUESTS)
TEST_INPUTS += $(CONFORMANCE_GUESTS)

test: $(TEST_INPUTS) | packages-test
	prove --exec '' --timer $(UNIT_TESTS) $(E2E_TESTS) $(CONFORMANCE_TESTS)

test-unit: $(UNIT_TESTS) | packages-test
	prove --exec '' $(UNIT_TESTS)

test-e2e: $(TEST_INPUTS) | packages-test
	prove --exec '' --timer $(E2E_TESTS)

test-stock: $(TEST_INPUTS) | packages-stock
	tests/stock/run.sh

bench: all $(TEST_GUESTS) $(BENCH_PROGRAMS) $(BUILD)/native/rest $(BUILD)/native/redis | packages-bench
	tests/bench/run.sh

docs:
	docs/syscalls.sh >docs/SYSCALLS.md

run: all | packages-run
	examples/run.sh

# ---- care of the code ----

C_FILES := $(wildcard guest-abi/*.h monitor/*.[ch] guest-kernel/*.[ch] guest-kernel/include/*.h guest-kernel/posix/*.[ch] guest-kernel/posix/fs/*.[ch] examples/*/*.[ch] \
	tests/*/*.[ch] seccomp/*.[ch])
SCRIPTS := $(wildcard .ci/run third-party/*.sh docs/*.sh examples/*.sh tests/*/*.sh tests/bench/rows/*.sh tests/e2e/*.t tests/stock/init) \
	$(CONFORMANCE_TESTS) $(wildcard tests/conformance/mutants/*.sh)

lint: $(BUILD)/gen/syscall_names.h | packages-lint packages-build
	@echo clang-format; clang-format --dry-run -Werror $(C_FILES)
	@echo clang-tidy; clang-tidy --quiet --warnings-as-errors='*' $(wildcard monitor/*.c seccomp/*.c) -- $(filter-out -MMD -MP,$(HOST_CFLAGS)) -w
	@echo clang-tidy; clang-tidy --quiet --warnings-as-errors='*' $(wildcard guest-kernel/posix/*.c) -- \
		$(filter-out -MMD -MP,$(POSIX_CFLAGS)) -I$(BUILD)/gen -w
	@echo clang-tidy; clang-tidy --quiet --warnings-as-errors='*' \
		$(wildcard guest-kernel/*.c $(EXAMPLES:%=examples/%/*.c)) -- $(filter-out -MMD -MP,$(GUEST_CFLAGS)) -w
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
