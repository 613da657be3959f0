# Two commands do everything: `make run` and `make test`. Each sets up first.
.PHONY: setup run test test-full lint format bench catalogue clean

PYTHON := .venv/bin/python

setup:
	@packaging/setup.sh

run: setup
	.venv/bin/kbuilder demo --out out

test: setup
	$(PYTHON) -m pytest -n 2 --dist loadfile -m "not full"

# All layers, networks and old files in all formats.
test-full: setup
	$(PYTHON) -m pytest -n 2 --dist loadfile

lint: setup
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: setup
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

bench: setup
	$(PYTHON) -m tests.benchmarks.train_speed
	$(PYTHON) -m tests.benchmarks.monitor_speed
	$(PYTHON) -m tests.benchmarks.curve_speed
	$(PYTHON) -m tests.benchmarks.window_speed
	$(PYTHON) -m tests.benchmarks.design_speed

catalogue: setup
	$(PYTHON) -m kbuilder.engine.introspect

clean:
	rm -rf .venv out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
