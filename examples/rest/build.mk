# SPDX-License-Identifier: MIT
# The same server as an ordinary program of this host, to measure against.

$(BUILD)/native/rest: $(wildcard examples/rest/*.[ch]) Makefile examples/rest/build.mk | packages-build
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(filter-out -MMD -MP,$(COMMON)) -D_GNU_SOURCE -o $@ $(filter %.c,$^)

$(BUILD)/examples/rest.elf: $(wildcard examples/rest/*.[ch]) examples/rest/build.mk $(UKVM_CC_DEPS)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(UKVM_CC) $(WARNINGS) -std=gnu11 -O2 -g -D_GNU_SOURCE -o $@ $(filter %.c,$^)
