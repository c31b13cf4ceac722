# Every target first brings the environment up to date: .venv, see .ci/environment.
# make run PORT=8000 HOST=0.0.0.0 says where the page listens, make PYTHON=python3.13 ... what to build with,
# make test PYTEST_ARGS="-k faces" what to test, make bench BENCH_ARGS="--depths 18 50" what to measure.

.PHONY: run test lint bench

run:
	@python3 .ci/environment
	.venv/bin/python app.py

test: lint
	@sh .ci/chromium
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(if $(PYTEST_ARGS),$(PYTEST_ARGS),--cov --cov-report=)

lint:
	@python3 .ci/environment tests
	.venv/bin/python -m ruff check
	.venv/bin/python -m ruff format --check
	.venv/bin/python -m mypy

bench:
	@python3 .ci/environment
	.venv/bin/python -m resnet_demo bench $(BENCH_ARGS)
