# The front door: every target sets up what it needs. `make help` lists them.
BUILD  ?= build
# Seconds for each fuzz target.
SECONDS_EACH ?= 60
# Debian's own python3 and meson, whatever else is installed.
export PATH := /usr/bin:/bin:/usr/sbin:/sbin:$(PATH)
MAKEFLAGS += --no-print-directory

all: $(BUILD)-built ## build everything

%-built:
	@tools/setup
	@tools/build $* $(MESON_FLAGS)

demo: $(BUILD)-built ## the main job, shown step by step with three local guardians
	@tools/demo $(BUILD)

test: $(BUILD)-built ## every test; ends with "N passed, M failed"
	@tools/test $(BUILD)

test-long: $(BUILD)-built ## the same with many more seeds, for a night
	@GUARDIAN_LONG=1 tools/test $(BUILD)

sim-long: $(BUILD)-built ## 10,000 schedules of whole clusters, 50 with real crypto, for a night
	@$(BUILD)/tests/sim/cluster/sim_cluster --schedules 1..10000
	@$(BUILD)/tests/sim/cluster/sim_cluster --real --schedules 1..50

bench: ## measure, as ratios to bare primitives
	@tools/setup
	@tools/build $(BUILD)-release -Dbuildtype=release $(MESON_FLAGS)
	@bench/run $(BUILD)-release

valgrind: $(BUILD)-built ## unit tests and a short simulation under valgrind; half an hour
	@tools/valgrind $(BUILD)

fuzz: ## every fuzz target for SECONDS_EACH seconds
	@tools/setup
	@tools/fuzz-all $(SECONDS_EACH)

check: $(BUILD)-built ## layers, simple mistakes, format; no tests
	@tools/check $(BUILD)

format: ## bring every C file into the house's form
	@tools/setup
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

install: $(BUILD)-built ## install below PREFIX of the first configuration (DESTDIR is respected)
	@meson install -C $(BUILD) --no-rebuild --quiet

clean: ## remove what was built
	@rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

.PHONY: all demo test test-long sim-long bench valgrind fuzz check format install clean help
.DEFAULT_GOAL := all
