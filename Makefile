# make demo   everything set up, then a recording played through the nodes
# make test   everything set up, then every test
# make coverage  every test, then the lines that they ran; fails under 90 %
# make bench  everything set up, then all costs measured: bench/<date>.md and .json, bench/latest.json
# make fuzz   everything set up, then 100,000 malformed messages to the nodes; what crashes them is kept in build/fuzz
# make soak   everything set up, then 24 simulated hours of faults before the nodes
# make bench-peers  the same frames and sound through other packages, set up in build/peers
# README.md says more.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Through the environment, so that any name of a file is one word to the shell.
export MEDIA ?=
# A build must not inherit another environment's ROS libraries.
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE LD_LIBRARY_PATH PYTHONPATH AMENT_PREFIX_PATH CMAKE_PREFIX_PATH

BUILD = $(BIN)/cmake -S $(1) -B build/$(2) -G Ninja -Wno-dev -DCMAKE_BUILD_TYPE=Release \
	-DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja -DCMAKE_INSTALL_PREFIX=$(CURDIR)/$(VENV) \
	-DCMAKE_PREFIX_PATH=$(CURDIR)/$(VENV) -DPython3_EXECUTABLE=$(CURDIR)/$(BIN)/python -DBUILD_TESTING=OFF $(3)
QUIETLY = > build/$(1).log 2>&1 || { tail -n 40 build/$(1).log; exit 1; }

# Tests that follow real time run by themselves, the others two at a time. Those of one file stay together: what they share
# is made once.
ALONE := test/nodes test/demo test/reliability test/sensors/test_devices.py
AT_ONCE := $(addprefix --ignore=,$(ALONE)) --numprocesses 2 --dist loadfile

SOURCES := $(shell find emotion_recognition config launch scripts -type f -not -path '*/__pycache__/*')
MESSAGES := $(wildcard msg/*.msg) package.xml CMakeLists.txt $(wildcard cmake/*)

.PHONY: demo test coverage bench bench-peers fuzz soak emulate-aarch64 setup setup-train lint clean
.DELETE_ON_ERROR:

demo: setup
	$(BIN)/emotion-recognition demo $${MEDIA:+"$$MEDIA"}

test: setup-train
	$(BIN)/python -m pytest test $(AT_ONCE); rest=$$?; $(BIN)/python -m pytest $(ALONE) && exit $$rest

# A test that fails does not keep the report from being made, but make then fails.
coverage: setup-train
	rm -rf build/coverage && mkdir -p build/coverage
	$(BIN)/coverage run -m pytest test $(AT_ONCE); rest=$$?; \
		$(BIN)/coverage run -m pytest $(ALONE); alone=$$?; \
		$(BIN)/coverage combine --quiet && $(BIN)/coverage report && exit $$((rest + alone))

# The robot's path on emulated ARM processors, compared with this one; the profile of the Raspberry Pi 5 needs setup-train.
emulate-aarch64: setup
	$(BIN)/python -m emotion_recognition.emulation

bench: setup-train
	$(BIN)/emotion-recognition bench

fuzz: setup-train
	$(BIN)/python -m emotion_recognition.reliability.fuzz --keep build/fuzz

soak: setup-train
	$(BIN)/python -m emotion_recognition.reliability.soak --keep build/soak

bench-peers: setup-train build/peers/.installed
	$(BIN)/emotion-recognition bench-peers --python build/peers/bin/python

lint: setup-train
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

setup: $(VENV)/.installed
setup-train: setup $(VENV)/.train

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.wheels: requirements/ros.txt requirements/ros-constraints.txt requirements/robot.txt requirements/demo.txt | $(VENV)/.created
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/ros.txt -r requirements/demo.txt
	@touch $@

# No distribution provides it to a virtual environment: an interface package of the same fields.
$(VENV)/.audio_common_msgs: $(wildcard interfaces/audio_common_msgs/*.* interfaces/audio_common_msgs/msg/*) $(wildcard cmake/*) $(VENV)/.wheels
	@mkdir -p build
	@echo "building audio_common_msgs"
	@{ $(call BUILD,interfaces/audio_common_msgs,audio_common_msgs) && $(BIN)/ninja -C build/audio_common_msgs install; } \
		$(call QUIETLY,audio_common_msgs)
	@touch $@

# pip first: its install of the same name would remove the messages that cmake adds.
$(VENV)/.console: setup.cfg setup.py $(VENV)/.wheels
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed: $(MESSAGES) $(SOURCES) $(VENV)/.audio_common_msgs $(VENV)/.console
	@mkdir -p build
	@echo "building emotion_recognition"
	@{ $(call BUILD,.,emotion_recognition,-DAMENT_CMAKE_SYMLINK_INSTALL=1) && $(BIN)/ninja -C build/emotion_recognition install; } \
		$(call QUIETLY,emotion_recognition)
	@touch $@

$(VENV)/.train: requirements/train.txt requirements/bags.txt requirements/train-no-deps.txt requirements/engines.txt $(VENV)/.wheels
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/train.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/train-no-deps.txt \
		-r requirements/engines.txt
	@touch $@

# In an environment of its own: what is compared needs other versions of much that is in $(VENV). Where something cannot
# be installed the rest is, and the report names what is missing.
PEERS_PIP = build/peers/bin/python -m pip install --quiet --disable-pip-version-check
ONE_BY_ONE = sed -e 's/ *\#.*//' -e '/^$$/d' requirements/$(1).txt | xargs -n 1 $(PEERS_PIP) -c requirements/peers.txt $(2) || true
build/peers/.installed: requirements/peers.txt requirements/peers-no-deps.txt
	$(PYTHON) -m venv --clear build/peers
	$(PEERS_PIP) -r requirements/peers.txt || $(call ONE_BY_ONE,peers,)
	$(PEERS_PIP) --no-deps -r requirements/peers-no-deps.txt || $(call ONE_BY_ONE,peers-no-deps,--no-deps)
	@touch $@

clean:
	rm -rf $(VENV) build
