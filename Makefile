# Two commands do all the set-up: `make train` and `make test`. `make help` lists the others.

CONFIG ?= digits
WORKDIR ?= runs/$(CONFIG)
ACCELERATOR ?= cpu
PYTHON ?= python3
NAME ?= quick
ARGS ?=
JOBS ?= 2
BASE ?= origin/main
BUDGET ?= 110

ACCELERATORS := cpu cuda12 cuda13 tpu
ifeq ($(filter $(ACCELERATOR),$(ACCELERATORS)),)
$(error ACCELERATOR = $(ACCELERATOR): must be one of $(ACCELERATORS))
endif

ifeq ($(filter-out configs/pretrain_%,$(wildcard configs/$(CONFIG).py)),)
$(error CONFIG = $(CONFIG): must be one of the files in configs/: $(filter-out __init__ points images pretrain_%,$(basename $(notdir $(wildcard configs/*.py)))))
endif

# Experiments whose data come with a package: the extra of pyproject.toml that names it.
EXTRA_dna := dna
EXTRA_lattice := lattice
EXTRA_mnist := mnist
EXTRA_stacked_mnist := mnist
EXTRA_stacked_mnist_mlp := mnist
EXTRA_stacked_mnist_starved := mnist
EXTRA_translate_digits := mnist

VENV := .venv
BIN := $(VENV)/bin
JAX := $(if $(filter cpu,$(ACCELERATOR)),jax,jax[$(ACCELERATOR)])
INSTALL := $(if $(shell command -v uv),uv pip install --quiet --python $(BIN)/python,\
	$(BIN)/python -m pip install --quiet --disable-pip-version-check)

READY := $(VENV)/installed-$(ACCELERATOR) $(addprefix $(VENV)/installed-extra-,$(EXTRA_$(CONFIG)))

FAST = -m "not slow" --numprocesses $(JOBS)
# One process a file, in the order of tests/conftest.py: the longest first.
BY_FILE = $(FAST) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help train test test-changed test-durations test-slow test-reliability benchmark benchmark-torch benchmark-accelerator study ablation lint format clean

help: ## List the commands.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

train: $(READY) ## Train, sample and evaluate CONFIG (digits) in WORKDIR (runs/CONFIG).
	$(BIN)/python train.py $(CONFIG) --workdir "$(WORKDIR)" $(ARGS)
	$(BIN)/python -m cgan.sample "$(WORKDIR)" --out "$(WORKDIR)/samples.png"
	$(BIN)/python -m eval "$(WORKDIR)"

test: $(VENV)/installed-test ## Run the fast tests in JOBS (2) processes.
	$(BIN)/python -m pytest $(BY_FILE) $(ARGS)

test-changed: $(VENV)/installed-test ## Run the fast tests of what changed since BASE (origin/main), for at most BUDGET (110) seconds.
	$(BIN)/python -m tests.changed --base "$(BASE)" --jobs $(JOBS) --seconds $(BUDGET) -- $(FAST) --dist worksteal $(ARGS)

test-durations: $(VENV)/installed-test ## Run the fast tests and note what each file took.
	$(BIN)/python -m pytest $(BY_FILE) --record-durations $(ARGS)

test-slow: $(VENV)/installed-test ## Run the tests that train to a figure.
	$(BIN)/python -m pytest -m slow $(ARGS)

test-reliability: $(VENV)/installed-test ## Kill, stop, damage and join runs, all of it (minutes).
	$(BIN)/python -m pytest tests/reliability $(ARGS)

benchmark: $(VENV)/installed-benchmark ## Print what steps, penalties, micro-batches, input, embeddings, metrics, probes, starts, convolutions, exact gradients, views and the neighbour game cost, its bias and where it leads particles, and a profile.
	$(BIN)/python -m benchmarks.step_time
	$(BIN)/python -m benchmarks.penalties
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.input
	$(BIN)/python -m benchmarks.embedding
	$(BIN)/python -m benchmarks.frechet
	$(BIN)/python -m benchmarks.neighbours
	$(BIN)/python -m benchmarks.probe
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.communication
	$(BIN)/python -m benchmarks.convolution
	$(BIN)/python -m benchmarks.exact_gradient
	$(BIN)/python -m benchmarks.views
	$(BIN)/python -m benchmarks.neighbor_step
	$(BIN)/python -m benchmarks.neighbor_bias
	$(BIN)/python -m benchmarks.neighbor_particles
	$(BIN)/python -m benchmarks.profile_step digits

benchmark-torch: $(VENV)/installed-benchmark ## Time the training step beside the same one in PyTorch.
	$(INSTALL) -r benchmarks/requirements-torch.txt
	$(BIN)/python -m benchmarks.versus_torch

benchmark-accelerator: $(VENV)/installed-benchmark ## Measure all that is to be measured on an accelerator into WORKDIR (runs/accelerator), in 8 minutes.
	$(BIN)/python -m benchmarks.accelerator --out "$(if $(filter file,$(origin WORKDIR)),runs/accelerator,$(WORKDIR))" $(ARGS)

study: $(VENV)/installed-$(ACCELERATOR) ## Run the study NAME (quick) as far as it was not run, and print its tables.
	$(BIN)/python -m eval.study $(NAME) $(ARGS)

ablation: ## Run the study of the objectives and renew the tables of docs/ablation.md.
	$(MAKE) study NAME=ablation ARGS="--page docs/ablation.md"

lint: $(VENV)/installed-test ## Check style and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-test ## Rewrite the files in the project's style.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove the virtual environment; runs stay.
	rm -rf $(VENV)

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $$($(PYTHON) --version) found; Python 3.11 or newer is needed (make PYTHON=...)"; exit 2; }
	$(if $(shell command -v uv),uv venv --quiet --clear --python $(PYTHON) $(VENV),$(PYTHON) -m venv --clear $(VENV))
	@touch $@

$(VENV)/installed-$(ACCELERATOR): requirements.txt pyproject.toml | $(VENV)/created
	$(INSTALL) --editable . "$(JAX)"
	@touch $@

$(VENV)/installed-extra-%: requirements.txt pyproject.toml | $(VENV)/installed-$(ACCELERATOR)
	$(INSTALL) --editable ".[$*]"
	@touch $@

$(VENV)/installed-benchmark: benchmarks/requirements.txt $(VENV)/installed-$(ACCELERATOR)
	$(INSTALL) -r benchmarks/requirements.txt
	@touch $@

$(VENV)/installed-test: tests/requirements.txt $(VENV)/installed-$(ACCELERATOR)
	$(INSTALL) -r tests/requirements.txt
	@touch $@
