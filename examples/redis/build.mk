# SPDX-License-Identifier: MIT
# Redis by its own Makefile, unchanged, in a copy of its source: it builds inside its folders.

.PHONY: redis
redis: $(BUILD)/examples/redis.elf

# The variables of this make, and its ban on built-in rules, are not for that one. It would note this repository's commit
# for its own, so git finds none. Without its binary it links again, and compiles what is not there yet.
build-redis = rm -f $(1)/src/redis-server && mkdir -p $(@D) && \
	MAKEFLAGS= GIT_DIR=/nonexistent $(MAKE) -C $(1)/src -j2 --no-print-directory redis-server CC="$(2)" MALLOC=libc \
		BUILD_TLS=no USE_SYSTEMD=no OPTIMIZATION=-O2 >$(1)/build.log 2>&1 || { tail -n 20 $(1)/build.log; exit 1; }; \
	cp $(1)/src/redis-server $@

copy-redis = rm -rf $(@D) && mkdir -p $(@D) && cp -a $(call third-party,redis)/. $(@D) && touch $@

$(BUILD)/obj/redis/copied: examples/redis/build.mk $(UKVM_CC_HEADERS) | $(call third-party,redis)
	$(Q)$(copy-redis)

$(BUILD)/obj/redis-native/copied: examples/redis/build.mk | $(call third-party,redis)
	$(Q)$(copy-redis)

$(BUILD)/examples/redis.elf: $(BUILD)/obj/redis/copied $(UKVM_CC_DEPS)
	@echo "  MAKE  $@"
	$(Q)$(call build-redis,$(BUILD)/obj/redis,$(UKVM_CC))

# To measure against.
$(BUILD)/native/redis: $(BUILD)/obj/redis-native/copied | packages-build
	@echo "  MAKE  $@"
	$(Q)$(call build-redis,$(BUILD)/obj/redis-native,$(CC))
