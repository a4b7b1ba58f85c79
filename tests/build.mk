# SPDX-License-Identifier: MIT
#
# What the tests are built of, and the targets that run them. Every binary of a test is under build/tests/.

$(BUILD)/obj/tests/%.o: TEST_CFLAGS = $(HOST_CFLAGS) -Imonitor
$(BUILD)/obj/tests/%.o: tests/%.c $(RULES) | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(TEST_CFLAGS) -c -o $@ $<

# ---- guests: of the guest kernel's own interface, and hostile ones ----

TEST_GUESTS := $(patsubst tests/guests/%.c,$(BUILD)/tests/guests/%.elf,$(wildcard tests/guests/*.c))
HOSTILE_GUESTS := $(patsubst tests/hostile/%.c,$(BUILD)/tests/hostile/%.elf,$(wildcard tests/hostile/*.c))
$(BUILD)/obj/tests/guests/%.o $(BUILD)/obj/tests/hostile/%.o: TEST_CFLAGS = $(GUEST_CFLAGS)

$(TEST_GUESTS) $(HOSTILE_GUESTS): $(BUILD)/tests/%.elf: $(BUILD)/obj/tests/%.o $(GUEST_LIB)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(link-guest)

# ---- ordinary C programs, for the guest and for this host: both must say (posix/) or do (programs/) the same ----

POSIX_TESTS := $(patsubst tests/posix/%.c,$(BUILD)/tests/posix/%,$(wildcard tests/posix/*.c))
PROGRAMS := $(patsubst tests/programs/%.c,$(BUILD)/tests/programs/%,$(wildcard tests/programs/*.c))
CXX_PROGRAMS := $(patsubst tests/%.cc,$(BUILD)/tests/%,$(wildcard tests/posix/*.cc tests/programs/*.cc))
RUST_PROGRAMS := $(patsubst tests/%.rs,$(BUILD)/tests/%,$(wildcard tests/posix/*.rs))
BOTH := $(POSIX_TESTS) $(PROGRAMS) $(CXX_PROGRAMS) $(RUST_PROGRAMS)
BOTH_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -pthread -Itests/unit
BOTH_CXXFLAGS := -std=c++20 -O1 -g -Wall -Wextra -Werror -pthread -Itests/unit

C_PROGRAMS := $(POSIX_TESTS) $(PROGRAMS)
$(C_PROGRAMS:%=%.elf): $(BUILD)/tests/%.elf: tests/%.c tests/unit/tap.h tests/posix/calls.h $(UKVM_CC_DEPS)
	@mkdir -p $(@D)
	@echo "  UKVM-CC  $@"
	$(Q)$(UKVM_CC) $(BOTH_CFLAGS) -o $@ $<

$(C_PROGRAMS): $(BUILD)/tests/%: tests/%.c tests/unit/tap.h tests/posix/calls.h | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(BOTH_CFLAGS) -o $@ $<

$(CXX_PROGRAMS:%=%.elf): $(BUILD)/tests/%.elf: tests/%.cc tests/unit/tap.h $(BUILD)/ukvm-c++ | packages-test
	@mkdir -p $(@D)
	@echo "  UKVM-C++  $@"
	$(Q)$(BUILD)/ukvm-c++ $(BOTH_CXXFLAGS) -o $@ $<

$(CXX_PROGRAMS): $(BUILD)/tests/%: tests/%.cc tests/unit/tap.h | packages-test
	@mkdir -p $(@D)
	@echo "  C++  $@"
	$(Q)$(CXX) $(BOTH_CXXFLAGS) -o $@ $<

# Debian's, whichever is first in PATH.
RUSTC := /usr/bin/rustc
RUST_FLAGS := --edition 2021 -O -D warnings

$(RUST_PROGRAMS:%=%.elf): $(BUILD)/tests/%.elf: tests/%.rs $(BUILD)/ukvm-rustc | packages-test
	@mkdir -p $(@D)
	@echo "  UKVM-RUSTC  $@"
	$(Q)REALRUSTC=$(RUSTC) $(BUILD)/ukvm-rustc $(RUST_FLAGS) -o $@ $<

$(RUST_PROGRAMS): $(BUILD)/tests/%: tests/%.rs | packages-test
	@mkdir -p $(@D)
	@echo "  RUSTC  $@"
	$(Q)$(RUSTC) $(RUST_FLAGS) -o $@ $<

$(BUILD)/tests/programs/openmp $(BUILD)/tests/programs/openmp.elf: BOTH_CFLAGS += -fopenmp

# Ordinary C programs that end-to-end tests talk to.
TEST_SERVERS := $(patsubst tests/servers/%.c,$(BUILD)/tests/servers/%.elf,$(wildcard tests/servers/*.c))

$(TEST_SERVERS): $(BUILD)/tests/servers/%.elf: tests/servers/%.c $(UKVM_CC_DEPS)
	@mkdir -p $(@D)
	@echo "  UKVM-CC  $@"
	$(Q)$(UKVM_CC) $(BOTH_CFLAGS) -o $@ $<

# Programs of examples/ that are not ours to the end, and those that the tests also run as ordinary ones of this host.
OTHERS := lua redis sqlite speedtest1
NATIVE := rest lua sqlite speedtest1

# ---- one program, compiled and linked in each way that builds know: tests/e2e/link.t ----

LINK_plain := -O2
LINK_lld := -fuse-ld=lld
LINK_gold := -fuse-ld=gold
LINK_static := -static
LINK_static-pie := -static-pie
LINK_pie := -pie -fPIE
LINK_fixed := -no-pie -fno-pie
LINK_lto := -O2 -flto
LINK_no-gc := -Wl,--no-gc-sections
LINK_nodefaultlibs := -nodefaultlibs
LINK_nodefaultlibs_LIBS := -lpthread -lgcc -lc
LINK_undefined := -fsanitize=undefined
LINK_stripped := -s -O3
LINK_WAYS := plain lld gold static static-pie pie fixed lto no-gc nodefaultlibs undefined stripped
LINK_CXX_WAYS := plain lld gold fixed lto no-gc
LINK_ELFS := $(LINK_WAYS:%=$(BUILD)/tests/link/%.elf) $(LINK_CXX_WAYS:%=$(BUILD)/tests/link/c++-%.elf) \
	$(BUILD)/tests/link/archive.elf

$(LINK_WAYS:%=$(BUILD)/tests/link/%.elf): $(BUILD)/tests/link/%.elf: tests/link/program.c $(RULES) $(UKVM_CC_DEPS) | packages-test
	@mkdir -p $(@D)
	@echo "  UKVM-CC  $@"
	$(Q)$(UKVM_CC) -Wall -Wextra -Werror $(LINK_$*) -o $@ $< $(LINK_$*_LIBS)

$(LINK_CXX_WAYS:%=$(BUILD)/tests/link/c++-%.elf): $(BUILD)/tests/link/c++-%.elf: tests/link/program.c tests/link/part.cc $(RULES) \
		$(BUILD)/ukvm-c++ | packages-test
	@mkdir -p $(@D)
	@echo "  UKVM-CC  $@"
	$(Q)$(UKVM_CC) -Wall -Wextra -Werror $(LINK_$*) -DWITH_PART -o $@ $(filter tests/link/%,$^) -lstdc++

# main() in a library, out of a partial link.
$(BUILD)/tests/link/archive.elf: tests/link/program.c $(RULES) $(UKVM_CC_DEPS)
	@mkdir -p $(@D)
	@echo "  UKVM-CC  $@"
	$(Q)$(UKVM_CC) -O2 -c -o $(@:.elf=.o) $< && $(UKVM_CC) -nostdlib -r -o $(@:.elf=.part.o) $(@:.elf=.o)
	$(Q)rm -f $(@:.elf=.a) && $(AR) rcs $(@:.elf=.a) $(@:.elf=.part.o) && $(UKVM_CC) -o $@ $(@:.elf=.a)

# ---- unit tests, under the sanitizers ----

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_CFLAGS := $(COMMON) $(COVERAGE) -D_GNU_SOURCE -Imonitor -Iguest-kernel/include -Iguest-kernel -Itests/unit $(SANITIZE)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%.t,$(wildcard tests/unit/*.c))

$(BUILD)/obj/unit/%.o: %.c $(RULES) | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(UNIT_CFLAGS) -c -o $@ $<

# See POSIX_CFLAGS.
$(BUILD)/obj/unit/guest-kernel/posix/%: UNIT_CFLAGS += -Wno-missing-prototypes

# $(call links,TEST): the sources that it names in a comment: links: monitor/io/ring.c ...
links = $(shell sed -n 's|.*links: \(.*\)\*/|\1|p' $(1))

define unit-test
$(BUILD)/tests/unit/$(1).t: $(patsubst %.c,$(BUILD)/obj/unit/%.o,tests/unit/$(1).c $(call links,tests/unit/$(1).c))
	@mkdir -p $$(@D)
	@echo "  LD  $$@"
	$$(Q)$$(CC) $(COVERAGE) $(SANITIZE) -o $$@ $$(filter %.o,$$^) $$(UNIT_LIBS_$(1))
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call unit-test,$(basename $(notdir $(t))))))
UNIT_LIBS_image := -lelf
UNIT_LIBS_load := -lelf

# ---- tools, and programs of the bench ----

TEST_TOOLS := $(patsubst tests/tools/%.c,$(BUILD)/tests/tools/%,$(wildcard tests/tools/*.c))
$(TEST_TOOLS): $(BUILD)/tests/tools/%: tests/tools/%.c $(RULES) | packages-build
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(COMMON) -D_GNU_SOURCE -o $@ $(filter %.c,$^)

$(BUILD)/tests/tools/mkelf: tests/lib/elfgen.c tests/lib/elfgen_changes.c tests/lib/elfgen.h

# Measured as unikernels, too.
BENCH_ELFS := $(addprefix $(BUILD)/tests/bench/,hello_libc.elf syscall.elf tcp_stream.elf)
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/*.c))

$(BENCH_PROGRAMS): $(BUILD)/tests/bench/%: tests/bench/%.c $(RULES) | packages-build
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(COMMON) -D_GNU_SOURCE -static -o $@ $<

$(BENCH_ELFS): $(BUILD)/tests/bench/%.elf: tests/bench/%.c $(UKVM_CC_DEPS)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(UKVM_CC) $(WARNINGS) -std=gnu11 -O2 -g -D_GNU_SOURCE -o $@ $<

# ---- monitors that are not quite the real one ----

# With an attempt to break out in the place of the guest's run.
$(BUILD)/tests/ukvm-probe: $(MONITOR_OBJS) $(BUILD)/obj/tests/sandbox/probe.o
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(HOST_LDFLAGS) -Wl,--wrap=run_guest,--wrap=lockdown -o $@ $^ $(HOST_LIBS)

# With faults from below, by its environment, a clock that jumps, and a log of what reaches a disk.
FAULTS_WRAP := bootpage_write options_parse_run ops_finish ops_take request_tag request_complete vm_run uring_submit \
	malloc calloc realloc
$(BUILD)/tests/ukvm-faults: $(MONITOR_OBJS) $(BUILD)/obj/tests/faults/inject.o
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(HOST_LDFLAGS) $(FAULTS_WRAP:%=-Wl,--wrap=%) -o $@ $^ $(HOST_LIBS)

# Under the sanitizers, which need a dynamic program; Debian's shared liburing (2.3) lacks what is in the static one.
$(BUILD)/tests/ukvm-asan: $(MONITOR_OBJS:$(BUILD)/obj/%=$(BUILD)/obj/asan/%)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(COVERAGE) $(SANITIZE) -o $@ $^ -l:liburing.a -lelf -lz

# Data, with nothing to sanitize. Two rules: one with two patterns would make both with one run of its recipe.
define copy-data
$(BUILD)/obj/$(1)/gen/%.o: $(BUILD)/obj/gen/%.o
	@mkdir -p $$(@D)
	$$(Q)cp $$< $$@
endef
$(foreach kind,asan unit,$(eval $(call copy-data,$(kind))))

$(BUILD)/obj/asan/%.o: %.c $(RULES) | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(filter-out -D_FORTIFY_SOURCE=2,$(HOST_CFLAGS)) $(SANITIZE) -c -o $@ $<

# ---- conformance: raw guests against any monitor (UKVM=PATH), and monitors that are broken on purpose ----

CONFORMANCE_TESTS := $(wildcard tests/conformance/*.t)
CONFORMANCE_PROGRAMS := $(filter-out %/guest.c,$(wildcard tests/conformance/*.c))
CONFORMANCE_GUESTS := $(CONFORMANCE_PROGRAMS:%.c=$(BUILD)/%.elf) \
	$(addprefix $(BUILD)/tests/conformance/,boot-relr.elf boot-file.elf end-file.elf)
# No guest kernel, and nothing on the stack that a check does not put there.
$(BUILD)/obj/tests/conformance/%.o: TEST_CFLAGS = $(COMMON) -ffreestanding -fPIE -fcf-protection=none -fno-stack-protector \
	-mno-red-zone

$(BUILD)/tests/conformance/%.elf: $(BUILD)/obj/tests/conformance/%.o $(BUILD)/obj/tests/conformance/guest.o
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(GUEST_LDFLAGS) -o $@ $^

$(BUILD)/tests/conformance/boot-relr.elf: $(BUILD)/obj/tests/conformance/boot.o $(BUILD)/obj/tests/conformance/guest.o
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(GUEST_LDFLAGS) -Wl,-z,pack-relative-relocs -o $@ $^

# Images whose note asks for their own file.
$(BUILD)/obj/tests/conformance/guest-file.o: tests/conformance/guest.c $(RULES) | packages-build
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(TEST_CFLAGS) -DGUEST_FEATURES=UKVM_FEATURE_IMAGE_FILE -c -o $@ $<

$(BUILD)/tests/conformance/boot-file.elf $(BUILD)/tests/conformance/end-file.elf: $(BUILD)/tests/conformance/%-file.elf: \
		$(BUILD)/obj/tests/conformance/%.o $(BUILD)/obj/tests/conformance/guest-file.o
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(GUEST_LDFLAGS) -o $@ $^

# Mutants are built without optimization: each for a few runs.
test mutants: export MUTANT_CC = $(CC) $(filter-out -O2 -g -MMD -MP $(WARNINGS) -D_FORTIFY_SOURCE=2 -DUKVM_VERSION%,$(HOST_CFLAGS)) -Imonitor
test mutants: export MUTANT_LD = $(CC) $(HOST_LDFLAGS)
test mutants: export MUTANT_OBJS = $(MONITOR_OBJS)
test mutants: export MUTANT_LIBS = $(HOST_LIBS)

# ---- fuzzing ----

# A target names its sources as a unit test does. Everything in it is instrumented; its clock is the target's.
FUZZ_TARGETS := archive image note options ring
FUZZ_TESTS := $(wildcard tests/fuzz/*.t)
FUZZ_CFLAGS := $(COMMON) -Wno-gnu-variable-sized-type-not-at-end -D_GNU_SOURCE -Imonitor -Iguest-kernel \
	-include tests/fuzz/fake_clock.h -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

$(BUILD)/obj/fuzz/%.o: %.c $(RULES) | packages-build packages-fuzz
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)clang $(FUZZ_CFLAGS) -c -o $@ $<

define fuzz-target
$(BUILD)/tests/fuzz/$(1): $(patsubst %.c,$(BUILD)/obj/fuzz/%.o,tests/fuzz/$(1).c $(call links,tests/fuzz/$(1).c))
	@mkdir -p $$(@D)
	@echo "  LD  $$@"
	$$(Q)clang -fsanitize=fuzzer,address,undefined -o $$@ $$(filter %.o,$$^) -lelf
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz-target,$(t))))

FUZZ_INPUTS := $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/%) $(BUILD)/tests/ukvm-asan $(BUILD)/tests/tools/mkelf \
	$(BUILD)/tests/tools/monkey $(BUILD)/tests/guests/fuzz.elf

# ---- proofs: every value of a small width, every state of a small ring; clang has integers of any width ----

PROOFS := $(patsubst tests/proof/%.c,$(BUILD)/tests/proof/%.t,$(wildcard tests/proof/*.c))

$(BUILD)/tests/proof/%.t: tests/proof/%.c $(RULES) | packages-build packages-fuzz
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)clang $(COMMON) -Wno-conversion -D_GNU_SOURCE -Imonitor -Itests/unit -o $@ $<

# ---- running them ----

E2E_TESTS := $(wildcard tests/e2e/*.t)
E2E_INPUTS := all $(MAN_PAGES) $(LINK_ELFS) $(TEST_GUESTS) $(HOSTILE_GUESTS) $(CONFORMANCE_GUESTS) $(TEST_SERVERS) $(BOTH) $(BOTH:%=%.elf) \
	$(OTHERS:%=$(BUILD)/examples/%.elf) $(NATIVE:%=$(BUILD)/native/%) $(TEST_TOOLS) $(addprefix $(BUILD)/tests/ukvm-,probe faults asan)

.PHONY: test test-unit test-e2e test-stock conformance mutants fuzz prove-bounds bench
test: $(E2E_INPUTS) $(UNIT_TESTS) $(PROOFS) $(FUZZ_INPUTS) | packages-test
	prove --exec '' --timer $(UNIT_TESTS) $(PROOFS) $(E2E_TESTS) $(CONFORMANCE_TESTS) tests/conformance/mutants/sample.t \
		$(FUZZ_TESTS)

test-unit: $(UNIT_TESTS) | packages-test
	prove --exec '' $(UNIT_TESTS)

test-e2e: $(E2E_INPUTS) | packages-test
	prove --exec '' --timer $(E2E_TESTS)

test-stock: $(E2E_INPUTS) | packages-stock
	tests/stock/run.sh

conformance: all $(CONFORMANCE_GUESTS) $(TEST_TOOLS) | packages-test
	tests/conformance/run.sh

# MUTANTS=NAME... for only these.
mutants: $(CONFORMANCE_GUESTS) $(TEST_TOOLS) $(MONITOR_OBJS) | packages-test
	tests/conformance/mutants/run.sh $(MUTANTS)

# For as long as you like: make fuzz FUZZ_SECONDS=600 is ten minutes for each target and twice that for the guests.
FUZZ_SECONDS ?= 60
fuzz: $(FUZZ_INPUTS) | packages-test
	FUZZ_SECONDS=$(FUZZ_SECONDS) prove --exec '' --timer --verbose -j$(shell nproc) $(FUZZ_TESTS)

prove-bounds: $(PROOFS) | packages-test
	prove --exec '' --timer $(PROOFS)

bench: all $(TEST_GUESTS) $(BENCH_PROGRAMS) $(BENCH_ELFS) $(BUILD)/tests/ukvm-probe $(BUILD)/native/rest \
		$(BUILD)/native/redis $(BUILD)/examples/redis.elf | packages-bench
	tests/bench/run.sh
