# SPDX-License-Identifier: MIT
#
# make install PREFIX=... DESTDIR=... puts the monitor and the compilers where they work without this folder; make uninstall
# takes away what it put there. make deb makes a Debian package of it.

PREFIX := /usr/local
DESTDIR :=
MAN_PAGES := $(addprefix $(BUILD)/man/,ukvm.1 ukvm-cc.1 ukvm-abi.7)
# Documents that the manual pages name.
INSTALLED_DOCS := README.md CHANGELOG.md SECURITY.md guest-abi/ABI.md $(wildcard docs/*.md)

$(BUILD)/man/ukvm.1: monitor/cli/ukvm.1
$(BUILD)/man/ukvm-cc.1: packaging/ukvm-cc.1
$(BUILD)/man/%.1:
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(BUILD)/man/ukvm-abi.7: guest-abi/ABI.md packaging/abi-man.awk
	@mkdir -p $(@D)
	$(Q)awk -v version=$(VERSION) -f packaging/abi-man.awk $< >$@

.PHONY: install uninstall deb
install: $(BUILD)/ukvm $(COMPILERS) $(GUEST_LIB) $(MAN_PAGES)
	$(Q)packaging/install.sh $(BUILD) '$(DESTDIR)' '$(PREFIX)' $(VERSION) $(INSTALLED_DOCS)

uninstall:
	$(Q)packaging/uninstall.sh '$(DESTDIR)' '$(PREFIX)'

DEB := $(BUILD)/ukvm_$(VERSION)_amd64.deb
deb: $(DEB)
$(DEB): $(BUILD)/ukvm $(COMPILERS) $(GUEST_LIB) $(MAN_PAGES) $(wildcard packaging/*) $(INSTALLED_DOCS)
	@echo "  DEB  $@"
	$(Q)packaging/deb.sh $(BUILD) $(VERSION) $@ $(INSTALLED_DOCS)
