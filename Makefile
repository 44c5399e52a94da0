# bpfprof: `make help` lists the targets.
# The version's date is the last one in tools/deb/changelog: two builds of one version are the same bytes.
VERSION := 0.1.0

# ---- what has to be installed, by Debian 12 package name: the one list ----
# package:probe. The probe is what a build looks for, a header (it has a dot), a program, or a
# file (it begins with a slash).
DEPS_BUILD := gcc:cc clang:clang bpftool:bpftool libc6-dev:stdio.h libbpf-dev:bpf/libbpf.h \
	libelf-dev:gelf.h libdw-dev:elfutils/libdw.h zlib1g-dev:zlib.h liblzma-dev:lzma.h \
	libmicrohttpd-dev:microhttpd.h uthash-dev:uthash.h libiberty-dev:libiberty/demangle.h \
	libjs-dygraphs:/usr/share/javascript/dygraphs/dygraph.min.js
# For the man page and the completions, which `make install` wants, and the package.
DEPS_DOCS := python3
DEPS_DEB := debhelper dpkg-dev $(DEPS_DOCS)
DEPS_DEMO := redis-tools
# To boot other kernels; the kernels themselves are downloaded into build/vm and not installed.
DEPS_VM := qemu-system-x86 busybox-static util-linux bpftool
DEPS_CHECK := libcmocka-dev libclang-rt-14-dev clang-format python3 python3-pytest protobuf-compiler \
	binutils elfutils gdb g++ libbpf-tools bpftrace bpftool linux-perf xz-utils openssl redis-server redis-tools \
	perl procps util-linux psmisc libjemalloc2 libtcmalloc-minimal4 libmimalloc2.0 libc6-dbg llvm dwz graphviz nodejs chromium \
	curl systemd musl-tools libc6-amd64-cross lld mold $(DEPS_DEB) lintian man-db mandoc zsh $(DEPS_VM)
# The peers that `make bench` measures beside bpfprof; what is missing is named in its table.
DEPS_BENCH := linux-perf libbpf-tools bpftrace heaptrack valgrind redis-server redis-tools bpftool
# For another machine's unit tests; what it has to have as Debian's packages of that machine is unpacked, not installed.
DEPS_ARM64 := binutils-aarch64-linux-gnu qemu-user-static
ROOT_ARM64 := libc6-dev libgcc-12-dev libelf-dev libdw-dev zlib1g-dev liblzma-dev libbpf-dev libmicrohttpd-dev libiberty-dev \
	uthash-dev libcmocka-dev
# Needed by `make check` too, unless a Go that did not come from a package is in /usr/local/go.
DEPS_GO := golang-go

# ---- V=1: show commands. DEBUG=1: no optimisation. SAN=1: ASan and UBSan. FUZZ=1: what the fuzzers are made of. ARM64=1: for
# that machine. Each kind has its folder. ----
ARM64 ?= 0
V ?= 0
DEBUG ?= 0
SAN ?= 0
FUZZ ?= 0
PREFIX ?= /usr/local
DESTDIR ?=
UNITDIR ?= $(PREFIX)/lib/systemd/system
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
SECONDS ?= 60
MINUTES ?= 30

# ---- fuzz targets: tests/fuzz/fuzz_NAME.c: bytes of an input at most: runs in `make check`, some 2 s ----
FUZZ_TARGETS := \
	allocator:16384:15000 debug_file:16384:18000 demangle:512:40000 dwarf:16384:600 eh_frame:16384:12000 elf_header:8192:20000 \
	event_record:4096:20000 gopclntab:4096:15000 http:2048:15000 kallsyms:4096:25000 options:512:20000 output:1024:2500 past:4096:20000 \
	perf_map:4096:40000 proc:1024:60000 serve:1024:60000 stack_ring:8192:15000 symbol_elf:16384:8000

ifeq ($(FUZZ),1)
O ?= build-fuzz
CC := clang
else ifeq ($(SAN),1)
O ?= build-san
else ifeq ($(ARM64),1)
O ?= build-arm64
CC := clang --target=aarch64-linux-gnu --sysroot=$(CURDIR)/build-arm64/root
else ifeq ($(DEBUG),1)
O ?= build-debug
else
O ?= build
endif

ifeq ($(V),0)
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)'
else
Q :=
say = @:
endif

ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-print-directory

export PATH := $(PATH):/usr/local/go/bin:/usr/sbin:/sbin
export SOURCE_DATE_EPOCH ?= $(shell date -ud "$$(sed -n 's/^ -- .*>  //p' tools/deb/changelog | head -n 1)" +%s)
CLANG ?= clang
BPFTOOL ?= bpftool
CLANG_FORMAT ?= clang-format
PYTHON := /usr/bin/python3

ARCH := $(if $(filter 1,$(ARM64)),arm64,$(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/'))
TRIPLE := $(shell cc -print-multiarch 2>/dev/null || uname -m | sed 's/$$/-linux-gnu/')

CFLAGS_WARN := -Wall -Werror=implicit-function-declaration -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS_ALL := -std=gnu11 -g -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DBPFPROF_VERSION='"$(VERSION)"' \
	-fstack-protector-strong $(CFLAGS_WARN) -ffile-prefix-map=$(CURDIR)=.
LDFLAGS_ALL := -Wl,-z,relro,-z,now
ifeq ($(FUZZ),1)
# clang does not say __SANITIZE_ADDRESS__ by itself.
CFLAGS_ALL += -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -D__SANITIZE_ADDRESS__
LDFLAGS_ALL += -fsanitize=address,undefined
else ifeq ($(SAN),1)
CFLAGS_ALL += -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS_ALL += -fsanitize=address,undefined
else ifeq ($(DEBUG),1)
CFLAGS_ALL += -O0
else
CFLAGS_ALL += -O2 -D_FORTIFY_SOURCE=2
endif
# -iquote, not -I: bpf/sched.h is not <sched.h>.
INCLUDES := -iquote user -iquote bpf -iquote $(O)/skel
LDLIBS := -lmicrohttpd -lbpf -ldw -lelf -lz -llzma -liberty -lm

BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Wall -Werror -Ivmlinux -iquote bpf \
	-idirafter /usr/include/$(TRIPLE) -fdebug-compilation-dir=. -ffile-prefix-map=$(CURDIR)=.
# The BPF C for the host: tests/bpf/fake stands for libbpf's headers.
BPF_HOST_CFLAGS := -DBPF_HOST_TEST -D__TARGET_ARCH_$(ARCH) -Itests/bpf/fake -Ivmlinux -iquote tests/bpf \
	-iquote bpf -Wno-unused-parameter -Wno-unknown-pragmas -Wno-missing-prototypes

BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_OBJ := $(BPF_SRC:%.c=$(O)/%.o)
SKELS := $(BPF_SRC:bpf/%.bpf.c=$(O)/skel/%.skel.h)
USER_SRC := $(wildcard user/*.c user/*/*.c)
LIB_OBJ := $(patsubst %.c,$(O)/%.o,$(filter-out user/main.c,$(USER_SRC)))
TOOL_SRC := $(wildcard tools/*.c)
TOOLS := $(TOOL_SRC:tools/%.c=$(O)/%)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_TESTS := $(UNIT_SRC:%.c=$(O)/%)
BPF_TEST_SRC := $(wildcard tests/bpf/test_*.c)
BPF_TESTS := $(BPF_TEST_SRC:%.c=$(O)/%)
# What reads hostile input; none of it needs the kernel half.
FUZZ_LIB := $(wildcard user/options*.c user/parse.c user/log.c user/retained.c $(foreach folder,process profile symbol output serve unwind, \
	user/$(folder)/*.c)) $(addprefix user/collect/,allocator.c allocator_calls.c elf_code.c probe_site.c probe_site_x86.c \
	heap_usdt.c usdt.c usdt_x86.c stack_ring.c cpu_mask.c wait_histogram.c)
FUZZERS := $(foreach target,$(FUZZ_TARGETS),$(O)/tests/fuzz/fuzz_$(firstword $(subst :, ,$(target))))
FORMATTED = $(shell find bpf user tools tests -name '*.[ch]')

ifeq ($(FUZZ),1)
SKELS :=
LIB_OBJ := $(FUZZ_LIB:%.c=$(O)/%.o)
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

.PHONY: all
all: $(O)/bpfprof $(TOOLS) ## build bpfprof and its tools into build/ (the default)

# ---- stamps: what an object depends on that is no file ----
# $(1): a name, $(2): the text that must not differ from the last build's.
define stamp
$(O)/.$(1): FORCE
	$$(Q)mkdir -p $$(@D)
	@printf '%s\n' '$(subst ','\'',$(2))' | cmp -s - $$@ || printf '%s\n' '$(subst ','\'',$(2))' > $$@
endef
$(eval $(call stamp,flags,$(CC) $(CFLAGS_ALL) $(CFLAGS) $(INCLUDES)))
$(eval $(call stamp,bpf_flags,$(CLANG) $(BPF_CFLAGS)))
$(eval $(call stamp,link,$(CC) $(LDFLAGS_ALL) $(LDFLAGS) $(LDLIBS) $(LIB_OBJ)))
.PHONY: FORCE
FORCE:

# Ends the build with the names of the missing packages instead of a compiler's thousand lines.
$(O)/.probed: tools/probe-packages Makefile
	$(Q)mkdir -p $(@D)
	$(Q)CC='$(CC)' tools/probe-packages $(DEPS_BUILD)
	$(Q)touch $@

# ---- the kernel half ----
$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(O)/.bpf_flags | $(O)/.probed
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@

# The linking pass turns the object's declarations into the form that skeletons want.
$(O)/bpf/%.linked.o: $(O)/bpf/%.bpf.o
	$(Q)$(BPFTOOL) gen object $@ $<

$(O)/skel/%.skel.h: $(O)/bpf/%.linked.o
	$(call say,SKEL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# ---- the pages: that of -f html is one file, the live one is files that the daemon serves ----
PAGE := user/output/page
LIVE := user/serve/page
DYGRAPHS := /usr/share/javascript/dygraphs
PAGE_SHARED := $(addprefix $(PAGE)/,text.js profile.js tree.js pprof.js colors.js flame.js table.js viewer.js page.js)
PAGE_REPORT := $(PAGE)/report.html $(PAGE)/page.css $(PAGE_SHARED) $(PAGE)/report.js
PAGE_LIVE := $(PAGE_SHARED) $(addprefix $(LIVE)/,api.js charts.js captures.js live.js)
PAGES := $(addprefix $(O)/page/,report_head.html live.html live.css live.js dygraph.css dygraph.js)
$(O)/page/report_head.html: $(PAGE_REPORT) tools/page-bundle
	$(call say,PAGE,$@)
	$(Q)mkdir -p $(@D)
	$(Q)tools/page-bundle $(O)/page/report $(PAGE_REPORT)
$(O)/page/live.html: $(LIVE)/live.html
	$(Q)mkdir -p $(@D)
	$(Q)cp $< $@
$(O)/page/live.css: $(PAGE)/page.css $(LIVE)/live.css
	$(Q)mkdir -p $(@D)
	$(Q)cat $^ > $@
$(O)/page/live.js: $(PAGE_LIVE)
	$(call say,PAGE,$@)
	$(Q)mkdir -p $(@D)
	$(Q)(echo '"use strict";(() => {' && cat $^ && echo '})();') > $@
# Debian's, without the name of the map for debuggers, which is not there.
$(O)/page/dygraph.css $(O)/page/dygraph.js: $(O)/page/dygraph.%: $(DYGRAPHS)/dygraph.min.% | $(O)/.probed
	$(Q)mkdir -p $(@D)
	$(Q)sed '/^[/][/*]# sourceMappingURL/d; s|[/][/]# sourceMappingURL=.*||' $< > $@
$(DYGRAPHS)/%: | $(O)/.probed ;
$(O)/user/output/page.o $(O)/user/serve/assets.o: $(PAGES)
$(O)/user/output/page.o $(O)/user/serve/assets.o: CFLAGS_ALL += -DPAGE_DIR='"$(O)/page"'

# ---- the daemon ----
# Skeletons are order-only until an object's .d file tells which of them it includes.
$(O)/user/%.o: user/%.c $(O)/.flags | $(SKELS) $(O)/.probed
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(INCLUDES) -MMD -MP -c $< -o $@

$(O)/libbpfprof.a: $(LIB_OBJ) $(O)/.link
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(LIB_OBJ)

$(O)/bpfprof: $(O)/user/main.o $(O)/libbpfprof.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(O)/tools/%.o: tools/%.c $(O)/.flags | $(SKELS) $(O)/.probed
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(INCLUDES) -MMD -MP -c $< -o $@

$(TOOLS): $(O)/%: $(O)/tools/%.o $(O)/libbpfprof.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) $^ $(LDLIBS) -o $@

# ---- tests ----
$(O)/tests/bpf/%.o: tests/bpf/%.c $(O)/.flags | $(O)/.probed
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(BPF_HOST_CFLAGS) -MMD -MP -c $< -o $@

$(O)/tests/%.o: tests/%.c $(O)/.flags | $(SKELS) $(O)/.probed
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS) $(INCLUDES) -DGOLDEN_DIR='"$(CURDIR)/tests/golden"' -MMD -MP -c $< -o $@

$(UNIT_TESTS): %: %.o $(O)/libbpfprof.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -o $@

$(BPF_TESTS): %: %.o $(O)/.link
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(LDFLAGS) $< -lcmocka -lm -o $@

$(FUZZERS): %: %.o $(O)/libbpfprof.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer $(LDFLAGS) $^ $(LDLIBS) -o $@

.PHONY: tests
tests: all $(UNIT_TESTS) $(BPF_TESTS) ## build what `make check` runs

.PHONY: unit-tests
unit-tests: $(UNIT_TESTS)

# A build by sudo belongs to whoever owns the checkout, so that plain `make` goes on working.
RUN = trap 'tools/give-back build build-san build-fuzz' EXIT;

.PHONY: check
check: ## build and run every test, as root those of the real kernel too
	$(Q)tools/install-packages --go $(DEPS_GO) $(foreach dep,$(DEPS_BUILD),$(firstword $(subst :, ,$(dep)))) \
		$(DEPS_CHECK)
	$(Q)$(RUN) $(MAKE) SAN=0 DEBUG=0 tests && $(MAKE) SAN=1 tests && $(MAKE) FUZZ=1 fuzzers && \
		$(PYTHON) tests/run --build build --build-san build-san --build-fuzz build-fuzz all

.PHONY: check-vm
check-vm: ## boot the kernels that Debian 12 offers, 6.1 and 6.12, and try everything on them
	$(Q)tools/install-packages $(foreach dep,$(DEPS_BUILD),$(firstword $(subst :, ,$(dep)))) $(DEPS_VM) python3-pytest
	$(Q)$(RUN) $(MAKE) SAN=0 DEBUG=0 all && $(PYTHON) tests/run --build build vm

.PHONY: check-unit
check-unit: ## build and run the tests that need no root
	$(Q)$(MAKE) tests
	$(Q)$(PYTHON) tests/run --build $(O) layers format unit bpf

.PHONY: check-san
check-san: ## the unit and BPF host tests under ASan and UBSan
	$(Q)$(MAKE) SAN=1 tests
	$(Q)$(PYTHON) tests/run --build build-san unit bpf

.PHONY: fuzz
fuzz: ## fuzz every parser and the HTTP server, SECONDS=60 in all
	$(Q)$(MAKE) FUZZ=1 fuzzers
	$(Q)tools/fuzz build-fuzz $(SECONDS) $(FUZZ_TARGETS)

.PHONY: fuzzers fuzz-targets
fuzzers: $(FUZZERS)
	@test $(words $(FUZZERS)) = $(words $(wildcard tests/fuzz/fuzz_*.c)) || \
		{ echo 'a target of tests/fuzz is missing in FUZZ_TARGETS' >&2; exit 1; }
fuzz-targets:
	@echo $(FUZZ_TARGETS)

# The kernel half for a machine that CI does not have: its C and its register names hold.
.PHONY: bpf-arm64
bpf-arm64: ## compile the BPF objects for arm64
	$(Q)mkdir -p $(O)/bpf-arm64
	$(Q)for source in $(BPF_SRC); do \
		$(CLANG) $(subst TARGET_ARCH_$(ARCH),TARGET_ARCH_arm64,$(BPF_CFLAGS)) -c $$source \
			-o $(O)/bpf-arm64/$$(basename $$source .c).o || exit 1; \
	done

# What qemu-user cannot do: bpf(2), perf_event_open(2), openat2(2); and tests whose oracles read this machine's own programs.
UNIT_NOT_EMULATED := collect_drain process_events process_publish unwind_store symbol_perf_map \
	collect_allocator symbol_elf symbol_go symbol_lines
.PHONY: check-arm64
check-arm64: ## build for arm64, and run the unit tests under qemu-user
	$(Q)tools/install-packages $(foreach dep,$(DEPS_BUILD),$(firstword $(subst :, ,$(dep)))) $(DEPS_ARM64)
	$(Q)tools/unpack-packages arm64 build-arm64/root $(ROOT_ARM64)
	$(Q)$(MAKE) ARM64=1 all unit-tests
	$(Q)$(PYTHON) tests/run --build build-arm64 --under 'qemu-aarch64-static -L build-arm64/root' \
		--without '$(addprefix test_,$(UNIT_NOT_EMULATED))' unit

.PHONY: check-layers
check-layers: ## who includes whom
	$(Q)tools/check-layers

.PHONY: format format-check
format: ## reformat all C
	$(Q)$(CLANG_FORMAT) -i $(FORMATTED)
format-check: ## tell what is not formatted
	$(Q)$(CLANG_FORMAT) --dry-run -Werror $(FORMATTED)

compile_commands.json: FORCE ## for clangd and other tools
	$(Q)$(MAKE) -nB V=1 all tests | tools/compile-commands > $@

# ---- use ----
.PHONY: deps
deps: ## install what a build needs (apt-get)
	$(Q)tools/install-packages $(foreach dep,$(DEPS_BUILD),$(firstword $(subst :, ,$(dep)))) $(DEPS_DOCS)

.PHONY: demo
demo: ## install what is missing, build, profile a real program for 5 s
	$(Q)tools/install-packages $(foreach dep,$(DEPS_BUILD),$(firstword $(subst :, ,$(dep)))) $(DEPS_DEMO)
	$(Q)$(RUN) $(MAKE) SAN=0 DEBUG=0 all && tools/demo build/bpfprof build/demo

.PHONY: bench
bench: ## costs beside perf, bpftrace, libbpf-tools, heaptrack, dhat; ONLY=own,heap QUICK=1 PUBLISH=1 (into README)
	$(Q)tools/install-packages --go $(DEPS_GO) $(foreach dep,$(DEPS_BUILD),$(firstword $(subst :, ,$(dep)))) $(DEPS_BENCH) \
		|| echo 'bench: goes on with the peers that are there'
	$(Q)$(RUN) $(MAKE) SAN=0 DEBUG=0 all && tools/bench $(if $(QUICK),--quick) $(if $(PUBLISH),--publish) $(ONLY)

.PHONY: docs
DOCS := $(addprefix $(O)/docs/,bpfprof.1 bpfprof.bash _bpfprof)
docs: $(DOCS) ## the man page and the completions, from what --help says
$(O)/docs/%: tools/docs/%.in tools/from-help tools/deb/changelog $(O)/bpfprof
	$(Q)mkdir -p $(@D)
	$(Q)tools/from-help $(O)/bpfprof $< > $@

DEFAULTS := $(DESTDIR)/etc/default/bpfprof
.PHONY: install uninstall
install: all docs ## into $(DESTDIR)$(PREFIX), and /etc/default/bpfprof if there is none
	install -D -m 755 $(O)/bpfprof $(DESTDIR)$(PREFIX)/sbin/bpfprof
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(PREFIX)/share/doc/bpfprof
	sed 's|@SBINDIR@|$(PREFIX)/sbin|' systemd/bpfprof.service > $(DESTDIR)$(UNITDIR)/bpfprof.service
	chmod 644 $(DESTDIR)$(UNITDIR)/bpfprof.service
	test -e $(DEFAULTS) || install -D -m 644 systemd/bpfprof.default $(DEFAULTS)
	install -m 644 README.md LICENSE $(DESTDIR)$(PREFIX)/share/doc/bpfprof
	install -D -m 644 $(O)/docs/bpfprof.1 $(DESTDIR)$(PREFIX)/share/man/man1/bpfprof.1
	install -D -m 644 $(O)/docs/bpfprof.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/bpfprof
	install -D -m 644 $(O)/docs/_bpfprof $(DESTDIR)$(ZSHDIR)/_bpfprof
uninstall: ## what install put there; /etc/default/bpfprof only if nobody has changed it
	rm -f $(DESTDIR)$(PREFIX)/sbin/bpfprof $(DESTDIR)$(UNITDIR)/bpfprof.service \
		$(DESTDIR)$(PREFIX)/share/man/man1/bpfprof.1 $(DESTDIR)$(ZSHDIR)/_bpfprof \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/bpfprof
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/bpfprof
	if cmp -s systemd/bpfprof.default $(DEFAULTS); then rm $(DEFAULTS); fi

.PHONY: deb
deb: ## Debian packages into build/deb; installs what that needs
	$(Q)tools/install-packages $(foreach dep,$(DEPS_BUILD),$(firstword $(subst :, ,$(dep)))) $(DEPS_DEB)
	$(Q)$(RUN) $(MAKE) all docs && tools/make-deb $(O)

.PHONY: soak
soak: all ## hours of churn, MINUTES=30: nothing grows, nothing is lost uncounted; see README.md
	$(Q)tools/soak --build $(O) --minutes $(MINUTES)

.PHONY: clean
clean: ## remove all that was built
	$(Q)rm -rf build build-arm64 build-debug build-san build-fuzz compile_commands.json

.PHONY: help
help: ## this
	@echo 'make [TARGET...] [V=1] [DEBUG=1] [SAN=1] [O=FOLDER] [PREFIX=/usr/local] [DESTDIR=]'
	@echo
	@sed -nE 's/^([a-z_. -]+):[^#]*## (.*)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-24s %s\n", $$1, $$2 }'

-include $(wildcard $(O)/bpf/*.d $(O)/user/*.d $(O)/user/*/*.d $(O)/tools/*.d $(O)/tests/*/*.d)
