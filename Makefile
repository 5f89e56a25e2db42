# The ways to build, try and check redis-backup; `make help` lists them. Each installs first what it needs.

PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_MUTATIONS ?= 1000000
MUTANTS ?= 8
SEED ?= 1

# The tool is built into .build, as its users get it: on Linux with Swift's own libraries inside, so that it
# runs on a machine without Swift and starts in half the time. The tests need other flags (@testable imports)
# and have a folder of their own, so that neither build throws away the other.
SWIFT ?= swift
# It is linked to a fixed place (no PIE): its 84,000 relocations took a tenth of the start-up of a small check;
# the libraries, the heap and the stack are where chance puts them all the same. So it is with the C++ library
# below Swift's own: inside, it spares a fifth.
LINUX_FLAGS = --static-swift-stdlib -Xlinker -no-pie $(shell scripts/static-runtime .build/static)
BUILD = $(SWIFT) build -c release --product redis-backup $(if $(filter Linux,$(shell uname -s)),$(LINUX_FLAGS))
BINARY = .build/release/redis-backup
TEST_FLAGS = -c release -Xswiftc -enable-testing --scratch-path .build-tests
TEST = $(SWIFT) test --skip-build --disable-xctest $(TEST_FLAGS)

SHELL = bash
.SHELLFLAGS = -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo demo-backup build test readme docs lint mutate fuzz bench bench-micro install uninstall deb clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 17

demo: ## build the tool, undo a DEL in an AOF, and see the key again in a real redis-server
	@scripts/bootstrap demo
	@$(BUILD)
	@REDIS_BACKUP=$(BINARY) scripts/demo

demo-backup: ## back up, drill, lose and restore the data of a real Sentinel set
	@scripts/bootstrap test
	@$(BUILD)
	@REDIS_BACKUP=$(CURDIR)/$(BINARY) scripts/demo-backup

build: ## build the tool: .build/release/redis-backup
	@scripts/bootstrap build
	$(BUILD)

test: ## build and run all tests, with real servers; TESTS=NAME runs those whose name matches
	@scripts/bootstrap test
	$(SWIFT) build --build-tests $(TEST_FLAGS)
	$(TEST) $(if $(TESTS),--filter '$(TESTS)')

readme: ## run the examples of the README, of the walk-through and of the first ten minutes, and compare what is printed; RECORD=1 writes the outputs anew
	@scripts/bootstrap test
	$(SWIFT) build --product redis-backup $(TEST_FLAGS)
	REDIS_BACKUP=.build-tests/release/redis-backup scripts/check-readme
	REDIS_BACKUP=.build-tests/release/redis-backup scripts/check-walkthrough
	REDIS_BACKUP=.build-tests/release/redis-backup scripts/check-first-ten-minutes
	scripts/check-snippets

docs: ## build the documentation of the libraries into .build-docs; fails on warnings
	@scripts/bootstrap build
	scripts/docs $(DOCS_ARGS)

lint: ## check format, file sizes, and what must not stand in the tree
	@scripts/lint

fuzz: ## the mutation tests with FUZZ_MUTATIONS=1000000 mutations
	@scripts/bootstrap test
	$(SWIFT) build --build-tests $(TEST_FLAGS)
	FUZZ_MUTATIONS=$(FUZZ_MUTATIONS) $(TEST) --filter '[Mm]utat' | tee .build-tests/fuzz.log
	@! grep 'Test run with 0 tests' .build-tests/fuzz.log

mutate: ## break hot functions on purpose and show that the tests notice; MUTANTS=8 places, SEED=1
	@scripts/bootstrap test
	scripts/mutate --count $(MUTANTS) --seed $(SEED) $(MUTATE_ARGS)

bench: ## measure speed and memory against other tools, on files it makes; BENCH_ARGS go to Benchmarks/run
	@scripts/bootstrap bench
	$(BUILD)
	REDIS_BACKUP=$(CURDIR)/$(BINARY) Benchmarks/run $(BENCH_ARGS)

bench-micro: ## measure single pieces (cursor, tokenizer, LZF, CRC, ...); BENCH_MICRO_ARGS go to `swift package benchmark`
	@scripts/bootstrap build
	cd Benchmarks && $(SWIFT) package --allow-writing-to-package-directory benchmark --target Micro $(BENCH_MICRO_ARGS)

install: ## install the tool, man pages and completions into PREFIX=/usr/local (below DESTDIR); WITH_ALIASES=1 adds redis-check-aof and -rdb
	@# sudo often knows no swift, and what root builds its owner can't build again: then what was built is installed.
	@if [ -z "$$SUDO_USER" ] || [ ! -x $(BINARY) ]; then $(MAKE) --no-print-directory build; fi
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -s -m 755 $(BINARY) "$(DESTDIR)$(PREFIX)/bin/redis-backup"
	REDIS_BACKUP=$(BINARY) scripts/install-extras "$(DESTDIR)$(PREFIX)/share"
ifeq ($(WITH_ALIASES),1)
	@# Never over the programs of a server that are installed there.
	@for name in redis-check-aof redis-check-rdb; do link="$(DESTDIR)$(PREFIX)/bin/$$name"; \
	  if [ -e "$$link" ] && [ ! -L "$$link" ]; then echo "install: $$link is there already and stays" >&2; \
	  else ln -sfn redis-backup "$$link"; fi; done
endif

uninstall: ## remove what `make install` with the same PREFIX and DESTDIR put there
	@for name in redis-check-aof redis-check-rdb; do link="$(DESTDIR)$(PREFIX)/bin/$$name"; \
	  if [ "$$(readlink "$$link")" = redis-backup ]; then rm -f "$$link"; fi; done
	rm -f "$(DESTDIR)$(PREFIX)/bin/redis-backup" "$(DESTDIR)$(PREFIX)"/share/man/man1/redis-backup{,-*}.1 \
	  "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/redis-backup" \
	  "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_redis-backup" \
	  "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/redis-backup.fish"

deb: build ## make .build/redis-backup_VERSION_ARCH.deb: tool, man pages, completions, systemd units, sample configuration
	REDIS_BACKUP=$(BINARY) scripts/make-deb .build

clean: ## remove all that was built; the installed servers in .venv stay
	rm -rf .build .build-tests .build-docs .build-mutate Benchmarks/.build Benchmarks/data
