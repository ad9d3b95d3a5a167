# SPDX-License-Identifier: GPL-2.0-or-later
# make | make check | make demo | make run IFACE=eth1 | make fuzz | make install DESTDIR= PREFIX= | make deb
# A new file in one of the folders is built without an edit here.

PREFIX     ?= /usr
SYSCONFDIR ?= /etc
VERSION    := 0.1.0
REVISION   := $(shell git rev-parse --short HEAD 2>/dev/null)
comma      := ,

CC       ?= cc
CFLAGS   ?= -O2 -g
WARN      = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Wundef
HARDEN    = -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
LDHARDEN  = -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
ifdef SANITIZE
BUILD    ?= build-$(subst $(comma),-,$(SANITIZE))
HARDEN   += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined
LDHARDEN += -fsanitize=$(SANITIZE)
else ifdef COVERAGE
BUILD    ?= build-cov
CFLAGS    = -O0 -g
HARDEN   += --coverage -fprofile-update=atomic -DLENSCAP_COVERAGE -include tests/coverage/flush.h
LDHARDEN += --coverage
else
BUILD    ?= build
DEFINES   = -D_FORTIFY_SOURCE=2
endif
DEFINES  += -D_GNU_SOURCE -Iinclude -DLENSCAP_VERSION='"$(VERSION)"' -DLENSCAP_REVISION='"$(REVISION)"' \
            -DLENSCAP_SYSCONFDIR='"$(SYSCONFDIR)"' -DLENSCAP_DATADIR='"$(PREFIX)/share/lenscap"'
ALL_CFLAGS  = -std=gnu17 $(WARN) $(HARDEN) $(DEFINES) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = $(LDHARDEN) $(LDFLAGS)

# Two daemons, so that neither contains the other's code; the command links the engine's own objects for check and replay.
BASE   := $(wildcard daemon/base/*.c)
GATE   := $(wildcard daemon/gate/*.c)
ENGINE := $(wildcard daemon/engine/*.c daemon/device/*.c daemon/probe/*.c daemon/policy/*.c daemon/sink/*.c daemon/control/*.c daemon/store/*.c)
CLI    := $(wildcard cli/*.c)
UNIT   := $(wildcard tests/unit/*_test.c)
obj     = $(patsubst %.c,$(BUILD)/%.o,$(1))

GATE_LIBS   = -lnftables -lnftnl -lmnl -lcap-ng -lseccomp
ENGINE_LIBS = -lsqlite3 -levent_core -lmaxminddb -lloc -lyaml -ljson-c -lcrypto -lcap-ng -lseccomp -lm
CLI_LIBS    = $(ENGINE_LIBS) -lpcap -lncurses -lpsl

ENGINE_CORE := $(call obj,$(filter-out daemon/engine/main.c,$(ENGINE)) $(BASE))
GATE_CORE   := $(call obj,$(filter-out daemon/gate/main.c,$(GATE)) $(BASE))
UNIT_BIN    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT))

# Programs look for the catalogue beside themselves first, so what is built runs where it is built.
CATALOGUE       := $(wildcard config/catalogue/*.tsv)
CATALOGUE_BUILT := $(patsubst config/%,$(BUILD)/%,$(CATALOGUE))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all clean unit
all: $(BUILD)/lenscapd $(BUILD)/lenscap-engine $(BUILD)/lenscap $(CATALOGUE_BUILT)

$(BUILD)/lenscapd: $(call obj,$(GATE) $(BASE))
	@echo "  LINK  $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(GATE_LIBS) $(LDLIBS)
$(BUILD)/lenscap-engine: $(call obj,$(ENGINE) $(BASE))
	@echo "  LINK  $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(ENGINE_LIBS) $(LDLIBS)
$(BUILD)/lenscap: $(call obj,$(CLI)) $(ENGINE_CORE)
	@echo "  LINK  $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(CLI_LIBS) $(LDLIBS)

$(BUILD)/catalogue/%.tsv: config/catalogue/%.tsv
	@mkdir -p $(@D)
	@cp $< $@

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"; $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# gate_*_test.c tests the gate's modules, cli_*_test.c the command's, every other one the engine's.
$(BUILD)/unit/gate_%_test: $(BUILD)/tests/unit/gate_%_test.o $(GATE_CORE)
	@mkdir -p $(@D)
	@echo "  LINK  $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(GATE_LIBS) -lcmocka $(LDLIBS)
# An archive, so that a test gets what it needs of the command and not its main().
$(BUILD)/cli.a: $(call obj,$(filter-out cli/main.c,$(CLI)))
	@rm -f $@; ar rcs $@ $^
$(BUILD)/unit/cli_%_test: $(BUILD)/tests/unit/cli_%_test.o $(BUILD)/cli.a $(ENGINE_CORE)
	@mkdir -p $(@D)
	@echo "  LINK  $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(CLI_LIBS) -lcmocka $(LDLIBS)
$(BUILD)/unit/%_test: $(BUILD)/tests/unit/%_test.o $(ENGINE_CORE)
	@mkdir -p $(@D)
	@echo "  LINK  $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(ENGINE_LIBS) -lcmocka $(LDLIBS)

# An engine that wants out of its sandbox; tests/netns/test_sandbox.py builds it.
$(BUILD)/escape: $(BUILD)/tests/escape/escape.o $(ENGINE_CORE)
	@echo "  LINK  $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(ENGINE_LIBS) $(LDLIBS)

unit: $(UNIT_BIN) $(CATALOGUE_BUILT)
	@for t in $(UNIT_BIN); do $$t || exit 1; done

# Everything below works on a fresh Debian 12: tests/deps installs the packages that are missing.
.PHONY: deps check check-vm netns scenario demo run fuzz lint install
deps:
	@tests/deps
check: deps
	@BUILD=$(BUILD) tests/run
# Debian's stock kernel in an emulated machine; not part of `make check`. It installs what it needs.
check-vm: deps
	@$(MAKE) --no-print-directory -j2 all $(BUILD)/escape
	@BUILD=$(BUILD) tests/vm/run $(ONLY)
scenario: all
	@BUILD=$(BUILD) tests/run scenario
netns: all
	@BUILD=$(BUILD) tests/run netns
demo: deps
	@$(MAKE) --no-print-directory -j2 all
	@BUILD=$(BUILD) tests/demo/run
run: deps
	@$(MAKE) --no-print-directory -j2 all
	@BUILD=$(BUILD) tests/demo/guard "$(IFACE)"

# One target a file; each runs TIME seconds on its seeds and what it finds; 0: only what is kept in seeds and regressions.
TIME     ?= 20
FUZZ     := $(patsubst tests/fuzz/%_fuzz.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_SAN  = -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_OBJ := $(patsubst %.c,$(BUILD)/fuzz-obj/%.o,$(filter-out daemon/engine/main.c,$(ENGINE)) $(BASE))
FUZZ_GATE_OBJ := $(patsubst %.c,$(BUILD)/fuzz-obj/%.o,$(filter-out daemon/gate/main.c,$(GATE)) $(BASE))
FUZZ_CC   = clang -std=gnu17 -g -O1 $(FUZZ_SAN) $(filter-out -D_FORTIFY_SOURCE=2,$(DEFINES))
$(BUILD)/fuzz-obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  FUZZ  $<"; $(FUZZ_CC) -fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping -MMD -MP -c -o $@ $<
# An archive, so that a target can stand in for what starts processes and changes the machine.
$(BUILD)/fuzz/gate.a: $(FUZZ_GATE_OBJ)
	@mkdir -p $(@D)
	@rm -f $@; ar rcs $@ $^
$(BUILD)/fuzz/gate_%: tests/fuzz/gate_%_fuzz.c tests/fuzz/shape.h tests/fuzz/kernel.h $(BUILD)/fuzz/gate.a
	@echo "  FUZZ  $@"; $(FUZZ_CC) -fsanitize=fuzzer -fprofile-instr-generate -o $@ $< $(BUILD)/fuzz/gate.a $(GATE_LIBS)
$(BUILD)/fuzz/%: tests/fuzz/%_fuzz.c tests/fuzz/shape.h $(FUZZ_OBJ)
	@mkdir -p $(@D)
	@echo "  FUZZ  $@"; $(FUZZ_CC) -fsanitize=fuzzer -fprofile-instr-generate -o $@ $(filter-out %.h,$^) $(ENGINE_LIBS)
fuzz: $(FUZZ)
	@tests/fuzz/run $(TIME) $(FUZZ)

# make bench | make bench QUICK=1 | make bench LONG=1 | make bench PROFILE=1 | make bench ROWS="connect cached": what lenscap-scale(7) tells of.
BENCH_LOAD := $(addprefix $(BUILD)/bench/,conn bulk flows floor)
$(BENCH_LOAD): $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/tests/bench/load.o
	@mkdir -p $(@D)
	@echo "  LINK  $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ -lmnl -pthread $(LDLIBS)
$(BUILD)/bench/micro: $(call obj,$(wildcard tests/bench/micro/*.c)) $(ENGINE_CORE)
	@mkdir -p $(@D)
	@echo "  LINK  $@"; $(CC) $(ALL_LDFLAGS) -o $@ $^ $(ENGINE_LIBS) $(LDLIBS)
.PHONY: bench
bench:
	@tests/deps --bench
	@$(MAKE) --no-print-directory -j2 all $(BENCH_LOAD) $(if $(wildcard tests/bench/micro*),$(BUILD)/bench/micro)
	@BUILD=$(BUILD) tests/bench/run $(if $(QUICK),--quick) $(if $(LONG),--long) $(if $(PROFILE),--profile) $(ROWS)

# make soak MINUTES=60: everything happens to one gateway, and at the end nothing has grown. tests/soak/run tells more.
MINUTES ?= 5
.PHONY: soak coverage
soak: deps
	@$(MAKE) --no-print-directory -j2 all
	@BUILD=$(BUILD) tests/soak/run $(MINUTES)
# Which lines of daemon/ the suites run: BUILD/coverage.txt. A function that none runs must be told of in tests/coverage/justified.
COVERED = unit policy scenario replay store mud metrics netns
coverage: deps
	@tests/coverage/run $(COVERED)

# Silence is the only good answer.
lint:
	@mandoc -T lint -W warning man/*.[578]
	@cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr --suppress=missingIncludeSystem \
		-D_GNU_SOURCE '-Dmnl_attr_for_each_nested(a,b)=while(mnl_next(&a,b))' -Iinclude daemon cli
	@clang-tidy --quiet $(wildcard daemon/*/*.c cli/*.c) -- -std=gnu17 $(DEFINES) 2>/dev/null

MAN5 := $(wildcard man/*.5)
MAN7 := $(wildcard man/*.7)
MAN8 := $(wildcard man/*.8)
UNITDIR  ?= $(PREFIX)/lib/systemd/system
UNITS    := systemd/lenscap.service systemd/lenscap-geo.path systemd/lenscap-geo.service systemd/lenscap-metrics.timer \
            systemd/lenscap-metrics.service
LIBDIRS   = sysusers.d tmpfiles.d sysctl.d modules-load.d
INSTALLED = bin sbin libexec/lenscap $(addprefix share/lenscap/,catalogue prometheus grafana siem) $(addprefix share/man/,man5 man7 man8) share/bash-completion/completions $(addprefix lib/,$(LIBDIRS))
install: all
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,$(INSTALLED)) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/logrotate.d \
		$(addprefix $(DESTDIR)$(SYSCONFDIR)/lenscap/,policy.d catalogue.d)
	install -m 755 $(BUILD)/lenscapd $(DESTDIR)$(PREFIX)/sbin/
	install -m 755 $(BUILD)/lenscap $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(BUILD)/lenscap-engine systemd/geo-reload $(DESTDIR)$(PREFIX)/libexec/lenscap/
	install -m 644 config/eve.schema.json config/policy.schema.json $(DESTDIR)$(PREFIX)/share/lenscap/
	install -m 644 $(wildcard config/siem/*) $(DESTDIR)$(PREFIX)/share/lenscap/siem/
	install -m 644 $(CATALOGUE) $(DESTDIR)$(PREFIX)/share/lenscap/catalogue/
	install -m 644 config/prometheus/lenscap.rules.yml $(DESTDIR)$(PREFIX)/share/lenscap/prometheus/
	install -m 644 config/grafana/lenscap.json $(DESTDIR)$(PREFIX)/share/lenscap/grafana/
	install -m 644 $(MAN5) $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 $(MAN7) $(DESTDIR)$(PREFIX)/share/man/man7/
	install -m 644 $(MAN8) $(DESTDIR)$(PREFIX)/share/man/man8/
	$(BUILD)/lenscap completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/lenscap
	for u in $(UNITS); do sed 's,/usr/,$(PREFIX)/,' $$u > $(DESTDIR)$(UNITDIR)/$${u#*/} || exit 1; done
	install -m 644 systemd/lenscap.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/lenscap.conf
	install -m 644 systemd/lenscap.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/lenscap.conf
	install -m 644 systemd/lenscap.modules $(DESTDIR)$(PREFIX)/lib/modules-load.d/lenscap.conf
	install -m 644 config/60-lenscap.conf $(DESTDIR)$(PREFIX)/lib/sysctl.d/
	sed 's,/usr/,$(PREFIX)/,' config/lenscap.logrotate > $(DESTDIR)$(SYSCONFDIR)/logrotate.d/lenscap
	test -e $(DESTDIR)$(SYSCONFDIR)/lenscap/lenscap.yaml || install -m 644 config/lenscap.yaml $(DESTDIR)$(SYSCONFDIR)/lenscap/

# The Debian package, built from a copy: $(BUILD)/deb/lenscap_VERSION_ARCH.deb. `make check` has run the unit tests, so not again here.
.PHONY: deb
deb:
	@rm -rf $(BUILD)/deb
	@mkdir -p $(BUILD)/deb/lenscap
	@tar -c --exclude=./build --exclude='./build-*' --exclude=./.git . | tar -x -C $(BUILD)/deb/lenscap
	@cd $(BUILD)/deb/lenscap && DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=2" dpkg-buildpackage -us -uc -b >../log 2>&1 || { tail -40 ../log >&2; exit 1; }
	@ls $(BUILD)/deb/*.deb

clean:
	rm -rf build build-*

-include $(shell find $(BUILD) -path '$(BUILD)/deb*' -prune -o -type f -name '*.d' -print 2>/dev/null)
