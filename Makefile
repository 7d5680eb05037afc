# The front door for people who build Headway. `make` alone lists what there is.
SHELL := /bin/bash
PACKAGES := libevent-dev libhiredis-dev libcurl4-openssl-dev redis-server
TEST_PACKAGES := $(PACKAGES) redis-tools python3 python3-redis curl wrk openssl python3-prometheus-client node-typescript gcc libc6-dev
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
FLAGS := --explicit-target-dependency-import-check error
BIN := .build/release/headway
export SWIFT_BACKTRACE ?= enable=no
# What is alive when a test process ends is no leak.
export ASAN_OPTIONS ?= detect_leaks=0
export TSAN_OPTIONS ?= suppressions=$(CURDIR)/Tests/tsan.supp

.DEFAULT_GOAL := help
.PHONY: help deps test-deps demo build test check check-sanitizers laws health browser faults faults-controls bench bench-peers latency estimates format clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: deps ## Turn a directory of texts into illustrated pages with four worker processes (DIR=… for your own)
	@$(MAKE) --no-print-directory build
	@$(BIN) demo --pace 12s $(if $(DIR),"$(DIR)")

test: test-deps ## Build and run every test
	swift build --build-tests $(FLAGS)
	@./Tests/run

build: deps ## A release build: .build/release/headway
	@echo "Building a release (the first time takes a few minutes) …"
	@swift build -c release --product headway $(FLAGS)

deps: ## Install what is missing to build and run (Debian packages); says what it does
	@./deploy/install-deps $(SUDO) $(PACKAGES)

test-deps: ## Install what the tests use besides: redis-py, curl, wrk, openssl, prometheus-client, tsc
	@./deploy/install-deps $(SUDO) $(TEST_PACKAGES)

check: test-deps ## Formatting, arrows between rooms, tests
	swift format lint --strict -r Package.swift Sources Tests
	$(MAKE) --no-print-directory test

check-sanitizers: test-deps ## The tests under ThreadSanitizer, then under AddressSanitizer
	swift build --build-tests --sanitize=thread --scratch-path .build-tsan -Xswiftc -DTHREAD_SANITIZER $(FLAGS)
	./Tests/run --sanitize=thread --scratch-path .build-tsan -Xswiftc -DTHREAD_SANITIZER
	swift build --build-tests --sanitize=address --scratch-path .build-asan $(FLAGS)
	./Tests/run --sanitize=address --scratch-path .build-asan

laws: test-deps ## The laws of the fold over HISTORIES random histories and an eighth more (200,000; minutes)
	swift build --build-tests $(FLAGS)
	HEADWAY_HISTORIES=$(or $(HISTORIES),200000) swift test --skip-build \
		--filter '(HeadwayCoreTests|AggregatorTests)\.(History|RepetitionLaw|BatchingLaw)Tests'

health: test-deps ## Real workers through ten minutes (SECONDS_EACH=600) of each fault, with the limits of production
	swift build --build-tests $(FLAGS)
	HEADWAY_HEALTH_SECONDS=$(or $(SECONDS_EACH),600) swift test --skip-build --filter 'SystemTests\.HealthTests'

browser: test-deps ## Drive the dashboard with Debian's Chromium; screenshots in out/browser (ONLY=… for some tests)
	@./deploy/install-deps $(SUDO) chromium fonts-inter python3-venv
	swift build --product headway $(FLAGS)
	@test -x .build/browser/bin/pip || /usr/bin/python3 -m venv .build/browser
	@.build/browser/bin/pip -q install --disable-pip-version-check -r Tests/BrowserTests/requirements.txt
	@.build/browser/bin/python -m pytest -q -rP -p no:cacheprovider --tb=short Tests/BrowserTests $(if $(ONLY),-k "$(ONLY)")

faults: test-deps ## Kill, freeze and cut everything, and compare with what publishers said (SECONDS=120 SEED=1)
	swift build --product headway $(FLAGS)
	swift build --product FaultPublisher $(FLAGS)
	@/usr/bin/python3 Tests/Faults/faults.py .build/debug --seconds $(or $(SECONDS),120) --seed $(or $(SEED),1)

faults-controls: test-deps ## Take each protection out in turn: the fault suite must notice every one
	swift build --product headway $(FLAGS)
	swift build --product FaultPublisher $(FLAGS)
	@/usr/bin/python3 Tests/Faults/faults.py .build/debug --controls --seed $(or $(SEED),1)

bench: test-deps build ## Throughput beside the limit of the same run, as ratios
	@$(BIN) bench

bench-peers: test-deps build ## The same beside Celery and BullMQ (both from PyPI, into .build/peers)
	@./deploy/install-deps $(SUDO) python3-venv
	@test -x .build/peers/bin/celery || { python3 -m venv .build/peers && .build/peers/bin/pip -q install 'celery[redis]' bullmq; }
	@.build/peers/bin/python Tests/Peers/peers.py $(BIN)

latency: build ## From publish to a frame at an SSE client, p50 and p99
	@$(BIN) bench latency

estimates: build ## How far off estimates are beside elapsed/percent, on simulated fleets (SEED=… for others)
	@$(BIN) bench estimates $(if $(SEED),--seed $(SEED))

format: ## Format everything in place
	swift format -i -r Package.swift Sources Tests

clean: ## Remove build products
	rm -rf .build .build-tsan .build-asan out
