# make lab    the course, in JupyterLab
# make test   what has to hold; make test-all also what repeats it over many members
# Others: notebooks, colab, slides, stills, site, check-site, test-flowers, test-torch,
# test-jax, test-gpu, test-env, bench, hub, picture, clean. CONTRIBUTING.md says more.

PYTHON ?= python3
LAB_FLAGS ?=
# What JupyterLab shows first: files and contents; no question about news.
SETTINGS = .venv/share/jupyter/lab/settings
WORKSPACES = .venv/share/jupyter/lab/course_workspaces
VERIFY ?= ../shared/verify
TORCH ?= torch
JAX ?= jax[cpu]
# Not `?=`: some shells have variables of these names.
ENV = colab
REPO =
BRANCH = main
LESSONS_IN_ENV ?= $(SOLUTIONS)
# In another environment, all but what wants a browser, Node.js or Apache Beam, or
# looks at texts only.
NOT_IN_ENV = $(BROWSER) $(addprefix tests/test_,scale.py seats.py site.py slides.py style.py)
TESTS_IN_ENV = $(filter-out $(NOT_IN_ENV),$(sort $(wildcard tests/test_*.py)))

BIN := .venv/bin
LESSONS = $(sort $(wildcard notebooks/[0-9]*.ipynb))
SOLUTIONS = $(sort $(wildcard notebooks/solutions/*.ipynb))
NOTEBOOKS = $(LESSONS) $(SOLUTIONS)
# What takes longest begins first, so that no worker waits for another at the end.
longest_first = $(foreach n,$1,$(filter %$(n),$2)) $(filter-out $(addprefix %,$1),$2)
LONGEST = $(foreach n,08 15 11 07 06 12 01 09 05,$(notdir $(wildcard notebooks/$(n)_*)))
# What `make test` runs of them, and of the unit tests; `make test-all` runs all.
FLOWERS = $(foreach n,02 03 10,$(wildcard notebooks/$(n)_*.ipynb))
GLYPHS = $(SOLUTIONS) $(if $(wildcard $(VERIFY)/keras),,$(wordlist 1,2,$(FLOWERS)))
UNIT = $(filter-out $(BROWSER),$(wildcard tests/test_*.py))
LONG_UNIT = $(foreach name,checks teachable once_frozen fine_tuning site pictures \
	networks scale freeze_panel pipeline transferability,test_$(name).py)
MARKED = -m "not slow"
BROWSER = $(sort $(wildcard tests/test_browser*.py))
# Two notebooks at a time, each on one core: an eighth faster than on two cores each.
# On a GPU one at a time: TensorFlow takes its memory as it needs it, JAX none before.
GPU := $(shell command -v nvidia-smi 2>/dev/null) $(wildcard /dev/nvidia0)
WORKERS ?= $(if $(strip $(GPU)),1,2)
TF_FORCE_GPU_ALLOW_GROWTH ?= true
XLA_PYTHON_CLIENT_PREALLOCATE ?= false
export TF_FORCE_GPU_ALLOW_GROWTH XLA_PYTHON_CLIENT_PREALLOCATE
ONE_CORE = TF_NUM_INTRAOP_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
SPREAD = -n $(WORKERS) --dist loadscope --no-loadscope-reorder
# Warnings of the notebook machinery are not ours to mend; those of the unit
# tests are errors.
NBVAL = PYTHONPATH=$(abspath tests/offline) $(BIN)/python -m pytest -q \
	-W default --color=no --durations=5 -p course_nbval --nbval-lax --nbval-current-env \
	--nbval-cell-timeout=600 $(SPREAD)

.PHONY: lab test test-all lint test-unit test-sync test-glyphs test-flowers test-torch
.PHONY: test-jax test-gpu test-env notebooks colab slides site check-site bench hub picture
.PHONY: clean stills

lab: .venv/ready
	$(BIN)/jupyter lab --LabApp.news_url=None --KernelManager.transport_encryption=auto \
	--LabApp.workspaces_dir=$(abspath $(WORKSPACES)) $(LAB_FLAGS) $(firstword $(LESSONS))

# The stamps make the second run start at once.
.venv/ready: requirements.txt pyproject.toml lessons/overrides.json lessons/first_screen.json
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -r requirements.txt -e .
	mkdir -p $(SETTINGS)
	cp lessons/overrides.json $(SETTINGS)
	$(BIN)/jupyter lab workspaces import --Application.log_level=ERROR \
	--LabWorkspaceImportApp.workspaces_dir=$(abspath $(WORKSPACES)) lessons/first_screen.json
	touch $@

.venv/ready-for-tests: .venv/ready
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	touch $@

test: lint test-sync test-unit test-glyphs
ifneq ($(wildcard $(VERIFY)/keras),)
test: test-flowers
endif

# Besides what `make test` runs: every network of the catalogue, every lesson as a
# learner has it, the solutions on photographs, and what takes minutes for one answer.
test-all: MARKED =
test-all: GLYPHS = $(NOTEBOOKS)
test-all: FLOWERS = $(NOTEBOOKS)
test-all: test

lint: .venv/ready-for-tests
	$(BIN)/lint-imports
	$(BIN)/ruff check --output-format=concise tlcourse tests lessons pages slides \
	deploy data/making
	$(BIN)/python tests/house.py --check

test-sync: .venv/ready-for-tests
	$(BIN)/python lessons/build.py --check

# Three files at a time where notebooks run two: many wait for processes of their own.
# Where there is a browser, two, and nothing else.
test-unit: .venv/ready-for-tests
	$(BIN)/python -m pytest -q --color=no --durations=10 -n $(WORKERS:2=3) $(MARKED) \
	--dist loadfile --no-loadscope-reorder $(call longest_first,$(LONG_UNIT),$(UNIT))
	$(BIN)/python -m pytest -q --color=no --durations=5 -n 2 --dist loadfile $(BROWSER)

# Every solution with the network unreachable, outputs compared; two lessons as a
# learner has them, with open answers, unless `test-flowers` has three.
test-glyphs: .venv/ready-for-tests
	$(ONE_CORE) TLCOURSE_TRACK=glyphs $(NBVAL) $(call longest_first,$(LONGEST),$(GLYPHS))

# Lessons on photographs, from a folder with `keras` and `tfds` in it.
test-flowers: .venv/ready-for-tests
	$(ONE_CORE) TLCOURSE_TRACK=flowers KERAS_HOME=$(abspath $(VERIFY))/keras \
	TFDS_DATA_DIR=$(abspath $(VERIFY))/tfds $(NBVAL) \
	$(call longest_first,$(LONGEST),$(FLOWERS))

# The same on other backends. The wheel for CPUs is the smaller one; pip's
# own options may follow the version: make test-torch TORCH="torch==2.13.0".
test-torch: .venv/ready-for-tests
	$(BIN)/python -m pip install --quiet $(TORCH)
	KERAS_BACKEND=torch TLCOURSE_TRACK=glyphs $(NBVAL) $(SOLUTIONS)

test-jax: .venv/ready-for-tests
	$(BIN)/python -m pip install --quiet "$(JAX)"
	KERAS_BACKEND=jax TLCOURSE_TRACK=glyphs $(NBVAL) $(SOLUTIONS)

# Every solution on the GPU, on the backend of KERAS_BACKEND, which has to be installed
# for GPUs; and what holds to the bit on a CPU, within a tolerance: tests/same.py.
SAME = $(addprefix tests/test_,fine_tuning.py once_frozen.py)
test-gpu: WORKERS = 1
test-gpu: .venv/ready-for-tests
	$(BIN)/python -m tlcourse doctor
	TLCOURSE_TRACK=glyphs $(NBVAL) --nbval-sanitize-with tests/offline/gpu.cfg \
	$(SOLUTIONS)
	$(BIN)/python -m pytest -q --color=no --durations=10 $(SAME)

# Lessons and tests with the packages of another place, tests/environments:
# make test-env ENV=colab PYTHON=python3.13. What old packages warn of on a
# new Python is not ours to mend.
OLD = jupyter_client.jsonutil jupyter_client.session traitlets.traitlets
test-env: BIN = .venv-$(ENV)/bin
test-env: SPREAD =
test-env: .venv-$(ENV)/ready
	TLCOURSE_TRACK=glyphs $(NBVAL) $(LESSONS_IN_ENV)
	$(if $(TESTS_IN_ENV),$(BIN)/python -m pytest -q --color=no --durations=5 \
	$(OLD:%=-W ignore::DeprecationWarning:%) $(TESTS_IN_ENV))

.venv-$(ENV)/ready: tests/environments/$(ENV).txt pyproject.toml
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --upgrade pip
	$(@D)/bin/python -m pip install --quiet -r $<
	$(@D)/bin/python -m pip install --quiet --no-deps -e .
	touch $@

notebooks: .venv/ready-for-tests
	$(BIN)/python lessons/build.py $(BUILD_FLAGS)

# The course's address, for Colab, into every notebook and README.md:
# make colab REPO=owner/name BRANCH=main. REPO=none takes it out again.
colab: .venv/ready-for-tests
	$(BIN)/python lessons/colab.py '$(REPO)' '$(BRANCH)'
	$(BIN)/python lessons/build.py

picture: .venv/ready-for-tests
	$(BIN)/python lessons/images/moving.py
	$(BIN)/python lessons/images/thumbnails.py

# Figures, then slides/deck.html and deck.pdf. Needs Node.js and Chromium.
slides: .venv/ready-for-tests slides/node_modules/.ready
	$(BIN)/python slides/figures.py
	$(BIN)/python slides/make_deck.py

# The pictures to touch, as their slides begin; after one of them has changed.
stills: .venv/ready-for-tests
	$(BIN)/python slides/stills.py

slides/node_modules/.ready: slides/package.json slides/package-lock.json
	cd slides && PUPPETEER_SKIP_DOWNLOAD=1 npm ci --no-audit --no-fund
	touch $@

# The lessons, executed, as pages to read: build/site. Lessons that have not changed
# since are not run again. Links are checked; then axe-core looks, in Chromium.
site: .venv/ready-for-tests
	$(BIN)/python pages/make_site.py --workers $(WORKERS)
	$(BIN)/python pages/check_site.py

check-site: .venv/ready-for-tests
	$(BIN)/python pages/check_site.py

bench: .venv/ready-for-tests
	$(BIN)/python tests/benchmarks/lessons.py

# A class at a hub on this machine, deploy/README.md: as root, with Node.js, and a
# Python that every account can read.
LEARNERS ?= 8
hub: .venv-hub/ready
	$(<D)/bin/python deploy/load.py --learners $(LEARNERS) --exhaust

.venv-hub/ready: requirements.txt deploy/requirements.txt pyproject.toml
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet -r deploy/requirements.txt -e .
	npm install --silent --no-audit --no-fund --prefix $(@D) configurable-http-proxy@5
	touch $@

clean:
	rm -rf build .venv .venv-* slides/node_modules tlcourse.egg-info .pytest_cache .ruff_cache .hypothesis
