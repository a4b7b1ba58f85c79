# SPDX-License-Identifier: MIT
# Redis by its own Makefile, unchanged, in a copy of its source: it builds inside its folders.

.PHONY: redis
redis: $(BUILD)/examples/redis.elf

# The variables of this make, and its ban on built-in rules, are not for that one.
build-redis = rm -rf $(1) && mkdir -p $(@D) $(1) && cp -a $(call third-party,redis)/. $(1) && \
	MAKEFLAGS= $(MAKE) -C $(1)/src -j2 --no-print-directory redis-server CC="$(2)" MALLOC=libc BUILD_TLS=no \
		USE_SYSTEMD=no OPTIMIZATION=-O2 >$(1)/build.log 2>&1 || { tail -n 20 $(1)/build.log; exit 1; }; \
	cp $(1)/src/redis-server $@

$(BUILD)/examples/redis.elf: examples/redis/build.mk $(UKVM_CC_DEPS) | $(call third-party,redis)
	@echo "  MAKE  $@"
	$(Q)$(call build-redis,$(BUILD)/obj/redis,$(UKVM_CC))

# To measure against.
$(BUILD)/native/redis: examples/redis/build.mk | $(call third-party,redis) packages-build
	@echo "  MAKE  $@"
	$(Q)$(call build-redis,$(BUILD)/obj/redis-native,$(CC))
