# SPDX-License-Identifier: MIT
# SQLite's shell and its benchmark speedtest1, on a raw disk through vfs.c. No threads, no extensions, temporary files in
# memory.

.PHONY: sqlite
sqlite: $(BUILD)/examples/sqlite.elf $(BUILD)/examples/speedtest1.elf

SQLITE_FLAGS := -std=gnu11 -O2 -g -I$(BUILD)/obj/sqlite -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION \
	-DSQLITE_TEMP_STORE=3 -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_EXTRA_INIT=rawdisk_init -DHAVE_USLEEP=1

# Everything in one file, as SQLite's own build makes it.
$(BUILD)/obj/sqlite/sqlite3.c: examples/sqlite/build.mk | $(call third-party,sqlite3) packages-sqlite
	@mkdir -p $(@D)
	@echo "  MAKE  $@"
	$(Q)cd $(@D) && MAKEFLAGS= $(MAKE) -f $(abspath $(call third-party,sqlite3))/main.mk --no-print-directory \
		TOP=$(abspath $(call third-party,sqlite3)) BCC=cc TCC=cc NAWK=awk TCLSH_CMD=tclsh OPTS= sqlite3.c shell.c \
		>build.log 2>&1 || { tail -n 20 build.log; exit 1; }

# $(call sqlite-program,COMPILER,MAIN): with SQLite and the raw disk
sqlite-program = $(1) $(SQLITE_FLAGS) -o $@ $(2) $(BUILD)/obj/sqlite/sqlite3.c examples/sqlite/vfs.c -lm
SQLITE_INPUTS := $(BUILD)/obj/sqlite/sqlite3.c examples/sqlite/vfs.c examples/sqlite/build.mk

$(BUILD)/examples/sqlite.elf: $(SQLITE_INPUTS) $(UKVM_CC_DEPS)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(call sqlite-program,$(UKVM_CC),$(BUILD)/obj/sqlite/shell.c)

$(BUILD)/examples/speedtest1.elf: $(SQLITE_INPUTS) $(UKVM_CC_DEPS)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(call sqlite-program,$(UKVM_CC),$(call third-party,sqlite3)/test/speedtest1.c)

$(BUILD)/native/sqlite: $(SQLITE_INPUTS)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(call sqlite-program,$(CC),$(BUILD)/obj/sqlite/shell.c)

$(BUILD)/native/speedtest1: $(SQLITE_INPUTS)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(call sqlite-program,$(CC),$(call third-party,sqlite3)/test/speedtest1.c)
