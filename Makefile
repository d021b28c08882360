# All that one needs to know. One configuration (release) and one set of flags, so that everything shares one build.
SHELL := /bin/bash
PREFIX ?= /usr/local
# Most tests start programs: all of them at once would only wait for one another.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 8
SWIFT_TEST := swift test -c release --disable-testable-imports --disable-xctest --parallel
SWIFT := Sources Tests Package.swift
SHELL_SCRIPTS := .ci/run Benchmarks/*.sh Demo/*.sh Tests/Fuzz/*.sh Tests/Real/*.sh scripts/*.sh

.PHONY: help demo test conformance torture fuzz fmt lint bench build install clean

help:   ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build  ## back up, destroy, restore and compare, before your eyes
	@Tests/Real/packages.sh run test && Tests/Real/with-real.sh Demo/run.sh

test:   ## everything, against a Docker engine and a Postgres server of its own (as root)
	@Tests/Real/packages.sh build run test && Tests/Real/with-real.sh $(SWIFT_TEST)

conformance: ## Prometheus's own test scripts, by file: SCRIPTS=DIR
	@test -d "$(SCRIPTS)" || { echo "make conformance SCRIPTS=DIR: a folder of promqltest scripts" >&2; exit 2; }
	@Tests/Real/packages.sh build && HOLDFAST_PROMQL_SCRIPTS=$(abspath $(SCRIPTS)) \
		$(SWIFT_TEST) --filter PromQLTests.ConformanceTests

torture: ## everything that can break, for an hour: HOLDFAST_TORTURE=SECONDS HOLDFAST_SEED=N
	@Tests/Real/packages.sh build run test && SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=64 \
		HOLDFAST_TORTURE=$${HOLDFAST_TORTURE:-3600} \
		Tests/Real/with-real.sh $(SWIFT_TEST) --filter TortureTests

fuzz:   ## libFuzzer on the readers of strangers' bytes: HOLDFAST_FUZZ=SECONDS for each
	@Tests/Real/packages.sh build && Tests/Fuzz/run.sh

fmt:    ## format the Swift sources in place
	@swift format -i -r -p $(SWIFT)

lint:   ## formatting and shell scripts; changes nothing
	@swift format lint -s -r -p $(SWIFT)
	@Tests/Real/packages.sh lint && if command -v shellcheck >/dev/null; then shellcheck $(SHELL_SCRIPTS); fi

bench: build  ## against tar | gpg, restic, borg, pg_dump | gpg and, if it is installed, Prometheus
	@Tests/Real/packages.sh run bench postgres && Benchmarks/run.sh

build:  ## .build/release/holdfast
	@Tests/Real/packages.sh build && swift build -c release

install: build  ## the binary to $(PREFIX)/bin
	@install -D -m 0755 .build/release/holdfast $(DESTDIR)$(PREFIX)/bin/holdfast

clean:  ## remove what was built
	@swift package clean
