# The verbs of this project. `make help` lists them.
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)

.PHONY: help build build-asan test torture sabotage bench lint install package demo bootstrap clean

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

bootstrap:
	@scripts/bootstrap.sh

$(BUILD)/build.ninja:
	cmake -S . -B $(BUILD) -G Ninja

$(BUILD)-asan/build.ninja:
	cmake -S . -B $(BUILD)-asan -G Ninja -DMIDAIR_SANITIZE=ON -DMIDAIR_FAULTS=ON -DCMAKE_BUILD_TYPE=Debug

build: bootstrap $(BUILD)/build.ninja ## build everything into build/
	cmake --build $(BUILD)

build-asan: bootstrap $(BUILD)-asan/build.ninja
	cmake --build $(BUILD)-asan

test: build build-asan ## run every test, plain and under ASan+UBSan
	ctest --test-dir $(BUILD)-asan --output-on-failure -j $(JOBS) -LE plain-only
	ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

torture: build ## cut the power N times (default 2000) at random moments
	cd tests/e2e && MIDAIR_BUILD=$(abspath $(BUILD)) MIDAIR_TORTURE=$(or $(N),2000) PYTHONPATH=../support /usr/bin/python3 -B -m unittest -v torture_test

sabotage: bootstrap ## take out one safety at a time and demand that the tests notice
	tests/sabotage/run $(BUILD)-sabotage $(NAME)

bench: build ## measure beside references, into build/bench.json; BENCH=idle for one (see tests/bench)
	MIDAIR_BUILD=$(abspath $(BUILD)) tests/support/s3/with-s3 /usr/bin/python3 -B tests/bench/run.py $(BENCH)

lint: bootstrap $(BUILD)/build.ninja ## check formatting and run clang-tidy
	scripts/lint.sh $(BUILD)

install: build ## install below PREFIX
	cmake --install $(BUILD) --prefix $(PREFIX)

package: build ## build the .deb packages of agent and sidecar
	cd $(BUILD) && cpack -G DEB

demo: build ## upgrade three machines under load, then roll back a broken release
	scripts/demo.sh $(BUILD)

clean: ## remove what was built
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-sabotage
