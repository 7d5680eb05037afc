# The front door for people who build Headway. `make` alone lists what there is.
SHELL := /bin/bash
PACKAGES := libevent-dev libhiredis-dev libcurl4-openssl-dev zlib1g-dev redis-server
TEST_PACKAGES := $(PACKAGES) redis-tools python3 python3-redis python3-hiredis curl wrk openssl python3-prometheus-client \
	python3-tqdm node-typescript node-redis gcc libc6-dev nginx-light systemd strace lintian help2man dpkg-dev prometheus \
	python3-venv python3-yaml python3-pyte
# From PyPI, for the tests of deploy/: the schemas of Compose and Kubernetes, with their validators.
DEPLOY_TOOLS := check-jsonschema==0.39.0 kubernetes-validate==1.37.0
OPENAPI_TOOLS := schemathesis==4.32.5 jsonschema==4.26.0
BROWSER_TOOLS := $(shell grep -v '^\#' Tests/BrowserTests/requirements.txt)
# $(call venv,NAME,WHAT): .build/NAME with what pip is told to install; made again when that changes.
venv = @test "$$(cat .build/$(1)/pins 2>/dev/null)" = "$(2)" || { \
	echo "Installing with pip into .build/$(1): $(2)"; rm -f .build/$(1)/pins; \
	/usr/bin/python3 -m venv .build/$(1) && .build/$(1)/bin/pip -q install --disable-pip-version-check $(2) && \
	echo "$(2)" >.build/$(1)/pins; }
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
FLAGS := --explicit-target-dependency-import-check error
BIN := .build/release/headway
export SWIFT_BACKTRACE ?= enable=no
# What is alive when a test process ends is no leak.
export ASAN_OPTIONS ?= detect_leaks=0
export TSAN_OPTIONS ?= suppressions=$(CURDIR)/Tests/tsan.supp

.DEFAULT_GOAL := help
.PHONY: help deps test-deps demo build test check check-sanitizers docs laws health simulate simulate-controls openapi browser deb deb-check faults faults-controls bench bench-peers latency estimates format clean

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

test-deps: ## Install what the tests use besides: redis-py, curl, wrk, nginx, lintian, strace, tsc, …
	@./deploy/install-deps $(SUDO) $(TEST_PACKAGES)
	$(call venv,deploy-tools,$(DEPLOY_TOOLS))

docs: deps ## Build the library's documentation (DocC); no warning, and no public symbol without a comment
	@./deploy/install-deps $(SUDO) python3
	swift build --target Headway $(FLAGS)
	@/usr/bin/python3 Tests/Documentation/docs.py .

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

openapi: test-deps ## Hold a real server's answers against its /openapi.json, and let schemathesis try to break it (SEED=1)
	swift build --product headway $(FLAGS)
	@./deploy/install-deps $(SUDO) python3-venv
	$(call venv,openapi,$(OPENAPI_TOOLS))
	.build/openapi/bin/python Tests/OpenAPI/answers.py .build/debug/headway
	.build/openapi/bin/python Tests/OpenAPI/fuzz.py .build/debug/headway .build/openapi/bin/schemathesis $(or $(SEED),1)

browser: test-deps ## Drive dashboard, element and /docs with Debian's Chromium; screenshots in out/browser (ONLY=… for some tests)
	@./deploy/install-deps $(SUDO) chromium fonts-inter node-react node-react-dom python3-venv
	swift build --product headway $(FLAGS)
	$(call venv,browser,$(BROWSER_TOOLS))
	@.build/browser/bin/python -m pytest -q -rP -p no:cacheprovider --tb=short Tests/BrowserTests $(if $(ONLY),-k "$(ONLY)")

simulate: deps ## Whole worlds under faults, on one thread, from a seed (SEEDS=1-100 STEPS=20000; TWICE=1 each twice; SEED=7 one)
	swift build -c release --product Simulation $(FLAGS)
	@.build/release/Simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1-100)) --steps $(or $(STEPS),20000) $(if $(TWICE),--twice) $(ARGUMENTS)

# What is taken out, and faults that it protects from.
simulate-controls: deps ## Take each protection out in turn: some simulated world must notice
	swift build --product Simulation $(FLAGS)
	@missed=; while read -r name words; do \
		.build/debug/Simulation --control $$name --seeds 1-100 --steps 8000 $$words || missed="$$missed $$name"; \
	done < Tests/Simulation/controls.txt; [ -z "$$missed" ] || { echo "not noticed:$$missed"; exit 1; }

faults: test-deps ## Kill, freeze and cut everything, and compare with what publishers said (SECONDS=120 SEED=1 BUILD=release)
	swift build -c $(or $(BUILD),debug) --product headway $(FLAGS)
	swift build -c $(or $(BUILD),debug) --product FaultPublisher $(FLAGS)
	@/usr/bin/python3 Tests/Faults/faults.py .build/$(or $(BUILD),debug) --seconds $(or $(SECONDS),120) --seed $(or $(SEED),1)

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

deb: deps ## A Debian package in out/: the command, systemd units, pipelines, man pages
	@./deploy/install-deps $(SUDO) dpkg-dev help2man chrpath binutils
	@echo "Building a release with Swift's libraries linked in (the first time takes a few minutes) …"
	@swift build -c release --product headway --static-swift-stdlib --scratch-path .build-static $(FLAGS)
	@./deploy/debian/build .build-static/release/headway out

deb-check: deb ## Install that package in a new, minimal Debian (debootstrap), run it there, and purge it
	@./deploy/install-deps $(SUDO) debootstrap
	@echo "Installing it in a new Debian made by debootstrap (minutes) …"
	@/usr/bin/python3 Tests/DeployTests/Fixtures/package.py fresh "$(CURDIR)/.build-static/release/headway" "$(CURDIR)"

format: ## Format everything in place
	swift format -i -r Package.swift Sources Tests

clean: ## Remove build products
	rm -rf .build .build-tsan .build-asan .build-static out
