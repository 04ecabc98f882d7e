# The verbs of this project. `make help` lists them.
BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)

.PHONY: help build build-asan build-tsan build-fuzz test fuzz torture sabotage bench lint install package demo bootstrap clean

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

bootstrap:
	@scripts/bootstrap.sh

$(BUILD)/build.ninja:
	cmake -S . -B $(BUILD) -G Ninja

$(BUILD)-asan/build.ninja:
	cmake -S . -B $(BUILD)-asan -G Ninja -DMIDAIR_SANITIZE=address -DMIDAIR_FAULTS=ON -DCMAKE_BUILD_TYPE=Debug

$(BUILD)-tsan/build.ninja:
	cmake -S . -B $(BUILD)-tsan -G Ninja -DMIDAIR_SANITIZE=thread -DCMAKE_BUILD_TYPE=Debug

$(BUILD)-fuzz/build.ninja:
	cmake -S . -B $(BUILD)-fuzz -G Ninja -DMIDAIR_SANITIZE=address -DMIDAIR_FUZZ=ON \
	  -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++

build: bootstrap $(BUILD)/build.ninja ## build everything into build/
	cmake --build $(BUILD)

build-asan: bootstrap $(BUILD)-asan/build.ninja
	cmake --build $(BUILD)-asan

build-tsan: bootstrap $(BUILD)-tsan/build.ninja
	cmake --build $(BUILD)-tsan --target threads

build-fuzz: bootstrap $(BUILD)-fuzz/build.ninja
	cmake --build $(BUILD)-fuzz --target fuzz

test: build build-asan build-tsan build-fuzz ## run every test, also under ASan+UBSan and TSan, and each fuzzer briefly
	ctest --test-dir $(BUILD)-asan --output-on-failure -j $(JOBS) -LE plain-only
	ctest --test-dir $(BUILD)-tsan --output-on-failure -j $(JOBS) -L threads
	ctest --test-dir $(BUILD)-fuzz --output-on-failure -j $(JOBS) -L fuzz
	ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

fuzz: build-fuzz ## run each fuzzer for T seconds (default 60), JOBS side by side
	tests/fuzz/fuzz.py $(BUILD)-fuzz --seconds $(or $(T),60) --jobs $(JOBS)

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
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz $(BUILD)-sabotage
