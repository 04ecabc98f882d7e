# The verbs of this project. `make help` lists them.
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
# Tests wait more than they work.
TESTS_AT_ONCE ?= $(shell expr 2 '*' $(JOBS))
CTEST = ctest --output-on-failure -j $(TESTS_AT_ONCE)
# With a sanitizer they work more than they wait.
SANITIZED = ctest --output-on-failure -j $(JOBS)
CONFIGURE = cmake -S . -G Ninja
# ON: files are compiled in groups, which is faster from nothing and slower after an edit (cmake/Unity.cmake).
UNITY ?= OFF
# Where the demo finds its programs: what was built already, else a build of its own with only what it needs.
DEMO = $(if $(wildcard $(BUILD)/build.ninja),$(BUILD),$(BUILD)-demo)

.PHONY: help build build-tests test lint test-faults test-asan test-tsan build-fuzz test-fuzz sabotage-changed check \
  test-debian check-all fuzz torture sabotage \
  frameworks bench install package bundle bundle-image release demo clean
.NOTPARALLEL:

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

build: ## build what is shipped, into build/
	@scripts/bootstrap.sh build
	@test -e $(BUILD)/build.ninja || $(CONFIGURE) -B $(BUILD) -DMIDAIR_TESTS=OFF -DMIDAIR_UNITY=$(UNITY)
	cmake --build $(BUILD)

build-tests: ## build everything, tests too
	@scripts/bootstrap.sh test
	@grep -qs '^MIDAIR_TESTS:BOOL=ON' $(BUILD)/CMakeCache.txt || $(CONFIGURE) -B $(BUILD) -DMIDAIR_TESTS=ON -DMIDAIR_UNITY=$(UNITY)
	cmake --build $(BUILD)

test: build-tests ## run every test of the plain build
	$(CTEST) --test-dir $(BUILD)

check: lint test-faults test-asan test-tsan test-fuzz sabotage-changed ## what `make test` leaves: lint, faults, sanitizers, fuzzers, sabotage

check-all: check sabotage torture fuzz frameworks test-debian ## all sabotages, 2000 power cuts, a minute for each fuzzer, all servers, Debian 11 and 13

lint: ## check formatting, run clang-tidy on what changed
	@scripts/bootstrap.sh test
	@test -e $(BUILD)-lint/build.ninja || $(CONFIGURE) -B $(BUILD)-lint
	scripts/lint.sh $(BUILD)-lint

test-faults: ## fail, kill and hang every state of a swap and every step of publishing
	@scripts/bootstrap.sh test
	@test -e $(BUILD)-faults/build.ninja || $(CONFIGURE) -B $(BUILD)-faults -DMIDAIR_UNITY=ON -DMIDAIR_FAULTS=ON
	cmake --build $(BUILD)-faults --target programs
	$(CTEST) --test-dir $(BUILD)-faults -L faults

test-asan: ## run what AddressSanitizer and UBSan can find something in
	@scripts/bootstrap.sh test
	@test -e $(BUILD)-asan/build.ninja || $(CONFIGURE) -B $(BUILD)-asan -DMIDAIR_UNITY=ON \
	  -DMIDAIR_SANITIZE=address -DCMAKE_BUILD_TYPE=Debug
	cmake --build $(BUILD)-asan
	$(SANITIZED) --test-dir $(BUILD)-asan -LE not-asan

test-tsan: ## run what has threads under ThreadSanitizer
	@scripts/bootstrap.sh test
	@test -e $(BUILD)-tsan/build.ninja || $(CONFIGURE) -B $(BUILD)-tsan -DMIDAIR_UNITY=ON \
	  -DMIDAIR_SANITIZE=thread -DCMAKE_BUILD_TYPE=Debug
	cmake --build $(BUILD)-tsan --target threads
	$(SANITIZED) --test-dir $(BUILD)-tsan -L threads

test-debian: build-tests ## try the bundle in Debian 11 and 13 (MIDAIR_DEBIAN_MIRROR=...)
	@scripts/bootstrap.sh debian
	tests/support/debian-images $(BUILD)/debian-images
	cd tests/e2e && MIDAIR_BUILD=$(abspath $(BUILD)) MIDAIR_IMAGES=$(abspath $(BUILD))/debian-images PYTHONPATH=../support \
	  ../support/in-namespaces ../support/s3/with-s3 /usr/bin/python3 -B -m unittest -v debian_images_test

build-fuzz:
	@scripts/bootstrap.sh test
	@test -e $(BUILD)-fuzz/build.ninja || $(CONFIGURE) -B $(BUILD)-fuzz -DMIDAIR_UNITY=ON \
	  -DMIDAIR_SANITIZE=address -DMIDAIR_FUZZ=ON -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++
	cmake --build $(BUILD)-fuzz --target fuzz

test-fuzz: build-fuzz ## run each fuzzer for 3 seconds
	ctest --output-on-failure -j $(JOBS) --test-dir $(BUILD)-fuzz -L fuzz

fuzz: build-fuzz ## run each fuzzer for T seconds (default 60), JOBS side by side
	tests/fuzz/fuzz.py $(BUILD)-fuzz --seconds $(or $(T),60) --jobs $(JOBS)

torture: build-tests ## cut the power N times (default 2000) at random moments
	cd tests/e2e && MIDAIR_BUILD=$(abspath $(BUILD)) MIDAIR_TORTURE=$(or $(N),2000) PYTHONPATH=../support /usr/bin/python3 -B -m unittest -v torture_test

sabotage: ## take out one safety at a time (NAME=... or all) and demand that the tests notice
	@scripts/bootstrap.sh test
	tests/sabotage/run $(BUILD)-sabotage $(NAME)

sabotage-changed: ## the same for safeties in files that changed since BASE (default: what main has, or the last commit)
	@scripts/bootstrap.sh test
	tests/sabotage/run $(BUILD)-sabotage --changed $(BASE)

frameworks: build-tests ## try every server that people use (NAME=... or all), and write sidecar/FRAMEWORKS.md
	@scripts/bootstrap.sh frameworks
	MIDAIR_BUILD=$(abspath $(BUILD)) PYTHONPATH=tests/support /usr/bin/python3 -B tests/frameworks/run.py $(BUILD)/frameworks.json $(NAME)
	/usr/bin/python3 -B tests/frameworks/render.py $(BUILD)/frameworks.json sidecar/FRAMEWORKS.md

bench: build-tests ## measure beside references, into build/bench.json; BENCH=idle for one, REF=COMMIT beside that (see tests/bench)
	@scripts/bootstrap.sh bench
	MIDAIR_BUILD=$(abspath $(BUILD)) tests/support/s3/with-s3 /usr/bin/python3 -B tests/bench/run.py $(if $(REF),--ref $(REF)) $(BENCH)

install: build ## install below PREFIX
	cmake --install $(BUILD) --prefix $(PREFIX)

package: build ## build the .deb packages of agent and sidecar
	cd $(BUILD) && cpack -G DEB

bundle: build ## pack the sidecar for images of any kind, with its own libraries, into build/midair-sidecar.tar.gz
	@scripts/bootstrap.sh bundle
	cmake --build $(BUILD) --target bundle-parts
	scripts/bundle.py $(BUILD) $(BUILD)/midair-sidecar.tar.gz

bundle-image: bundle ## the same as an image to copy from, an OCI layout, into build/midair-sidecar.oci.tar
	@scripts/bootstrap.sh release
	scripts/bundle_image.sh $(BUILD)/midair-sidecar.tar.gz \
	  $(shell sed -n 's/^project(midair VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt) $(BUILD)/midair-sidecar.oci.tar

release: ## give VERSION its tag, its packages, bundle, image and checksums (DRY_RUN=1: only say what would be done)
	scripts/release.sh $(if $(DRY_RUN),--dry-run) $(VERSION)

demo: ## upgrade three machines under load, then roll back a broken release
	@scripts/bootstrap.sh build
	@test -e $(DEMO)/build.ninja || $(CONFIGURE) -B $(DEMO) -DMIDAIR_TESTS=OFF -DMIDAIR_UNITY=ON
	cmake --build $(DEMO) --target demo-parts
	scripts/demo.sh $(DEMO)

clean: ## remove what was built
	rm -rf $(BUILD) $(BUILD)-faults $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz $(BUILD)-lint \
	  $(BUILD)-sabotage $(BUILD)-demo $(BUILD)-ref dist
