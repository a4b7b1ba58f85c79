# SPDX-License-Identifier: MIT
# SQLite's shell and its benchmark speedtest1, on a raw disk through vfs.c. No threads, no extensions, temporary files in
# memory. `make sqlite` builds them, and
#
#     truncate -s 64M build/db.img && build/ukvm run --disk data=build/db.img build/examples/sqlite.elf -vfs rawdisk /dev/data 'select 6 * 7'
#
# makes a database on an empty disk.

.PHONY: sqlite
sqlite: $(BUILD)/examples/sqlite.elf $(BUILD)/examples/speedtest1.elf

# URIs, because speedtest1 deletes the file of the name that it is given, and file:/dev/data is none.
SQLITE_FLAGS := -std=gnu11 -g -I$(BUILD)/obj/sqlite -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION \
	-DSQLITE_TEMP_STORE=3 -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_EXTRA_INIT=rawdisk_init -DSQLITE_USE_URI=1 -DHAVE_USLEEP=1

# Everything in one file, as SQLite's own build makes it.
$(BUILD)/obj/sqlite/sqlite3.c: examples/sqlite/build.mk | $(call third-party,sqlite3) packages-sqlite
	@mkdir -p $(@D)
	@echo "  MAKE  $@"
	$(Q)cd $(@D) && MAKEFLAGS= $(MAKE) -f $(abspath $(call third-party,sqlite3))/main.mk --no-print-directory \
		TOP=$(abspath $(call third-party,sqlite3)) BCC=cc TCC=cc NAWK=awk TCLSH_CMD=tclsh OPTS= sqlite3.c shell.c \
		>build.log 2>&1 || { tail -n 20 build.log; exit 1; }

# Once for each compiler, which takes a minute: a change of the guest kernel only links again.
SQLITE_SOURCES := $(BUILD)/obj/sqlite/sqlite3.c examples/sqlite/build.mk

$(BUILD)/obj/sqlite/guest.o: $(SQLITE_SOURCES) $(UKVM_CC_HEADERS) | $(UKVM_CC_DEPS)
	@echo "  CC  $@"
	$(Q)$(UKVM_CC) $(SQLITE_FLAGS) -O2 -c -o $@ $<

# To compare results with, not speed.
$(BUILD)/obj/sqlite/native.o: $(SQLITE_SOURCES)
	@echo "  CC  $@"
	$(Q)$(CC) $(SQLITE_FLAGS) -O1 -c -o $@ $<

# $(call sqlite-program,COMPILER,MAIN): with SQLite and the raw disk
sqlite-program = mkdir -p $(@D) && $(1) $(SQLITE_FLAGS) -O1 -o $@ $(2) $(filter %.o,$^) examples/sqlite/vfs.c -lm

$(BUILD)/examples/sqlite.elf: $(BUILD)/obj/sqlite/guest.o examples/sqlite/vfs.c $(UKVM_CC_DEPS)
	@echo "  LD  $@"
	$(Q)$(call sqlite-program,$(UKVM_CC),$(BUILD)/obj/sqlite/shell.c)

$(BUILD)/examples/speedtest1.elf: $(BUILD)/obj/sqlite/guest.o examples/sqlite/vfs.c $(UKVM_CC_DEPS)
	@echo "  LD  $@"
	$(Q)$(call sqlite-program,$(UKVM_CC),$(call third-party,sqlite3)/test/speedtest1.c)

$(BUILD)/native/sqlite: $(BUILD)/obj/sqlite/native.o examples/sqlite/vfs.c
	@echo "  LD  $@"
	$(Q)$(call sqlite-program,$(CC),$(BUILD)/obj/sqlite/shell.c)

$(BUILD)/native/speedtest1: $(BUILD)/obj/sqlite/native.o examples/sqlite/vfs.c
	@echo "  LD  $@"
	$(Q)$(call sqlite-program,$(CC),$(call third-party,sqlite3)/test/speedtest1.c)
