# SPDX-License-Identifier: MIT
# The Lua interpreter. POSIX: without dlopen(), which has nothing to load in a unikernel. `make lua` builds it, and
#
#     build/ukvm run build/examples/lua.elf -e 'print(_VERSION, 6 * 7)'
#
# runs a line. Scripts come with --initrd.

.PHONY: lua
lua: $(BUILD)/examples/lua.elf

$(BUILD)/examples/lua.elf: examples/lua/build.mk $(UKVM_CC_DEPS) | $(call third-party,lua5.4)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(UKVM_CC) -std=gnu99 -O2 -g -DLUA_USE_POSIX -o $@ \
		$$(ls $(call third-party,lua5.4)/src/*.c | grep -v /luac.c) -lm

# To compare with.
$(BUILD)/native/lua: examples/lua/build.mk | $(call third-party,lua5.4) packages-build
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) -std=gnu99 -O2 -g -DLUA_USE_POSIX -o $@ $$(ls $(call third-party,lua5.4)/src/*.c | grep -v /luac.c) -lm
