# Every target first brings the environment up to date: .venv, see .ci/environment. make torch adds PyTorch to it, which
# make run leaves out where there is no GPU; make test and make bench bring it themselves.
# make test-newest runs the tests with the newest versions inside the bounds of pyproject.toml, in .venv-newest; make lock
# writes requirements.txt and requirements.lock; make weigh measures what each way of installing weighs; make fuzz
# FUZZ_ARGS=-max_total_time=60 looks for files that the decoder does not stand; make pictures takes those of the docs.
# make test-ray compares batch's engines on 2,000 photos, after make ray, which adds Ray to what the tests need.
# make test-web classifies photos in Chromium by exported networks, with ONNX Runtime Web, which npm fetches.
# make test-docker builds the image and asks it; BUILDER=podman or buildah does so without Docker.
# Tests run three at a time on two cores: a fifth of their time is waiting for browsers, servers and processes.
# make run PORT=8000 HOST=0.0.0.0 says where the page listens, make PYTHON=python3.13 ... what to build with,
# make test PYTEST_ARGS="-k faces" what to test, make bench BENCH_ARGS="--depths 18 50" what to measure.

.PHONY: run torch test test-newest ray test-ray test-web test-docker lint bench lock weigh fuzz pictures

run:
	@python3 .ci/environment
	.venv/bin/python app.py

torch:
	@python3 .ci/environment torch

test: lint
	@sh .ci/chromium
	.venv/bin/python -m pytest -n 3 --max-worker-restart 0 --dist loadfile --no-loadscope-reorder $(if $(PYTEST_ARGS),$(PYTEST_ARGS),--cov --cov-report=)

# What Python 3.10 does not know is seen here. From 3.12 on there are newer packages, whose types are none for 3.10.
lint:
	@python3 .ci/environment tests
	.venv/bin/python -m ruff check
	.venv/bin/python -m ruff format --check
	.venv/bin/python -m mypy -n 2 $$(.venv/bin/python -c "import sys; sys.version_info < (3, 12) and print('--python-version=3.10')")

test-newest:
	@python3 .ci/environment newest
	@sh .ci/chromium
	.venv-newest/bin/python -m pytest -n 3 --max-worker-restart 0 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

ray:
	@python3 .ci/environment tests
	.venv/bin/python -m pip install --quiet $$(.venv/bin/python .ci/requirements ray)

test-ray: ray
	.venv/bin/python -m pytest tests/on_ray.py

test-web:
	@python3 .ci/environment tests
	@sh .ci/chromium
	.venv/bin/python -m pytest tests/on_web.py

test-docker:
	@python3 .ci/environment tests
	.venv/bin/python -m pytest tests/on_docker.py

lock:
	@python3 .ci/environment
	.venv/bin/python .ci/lock

weigh:
	@python3 .ci/environment
	.venv/bin/python .ci/weigh $(WEIGH_ARGS)

fuzz:
	@python3 .ci/environment tests
	.venv/bin/python .ci/fuzz $(FUZZ_ARGS)

pictures:
	@python3 .ci/environment tests
	@sh .ci/chromium
	.venv/bin/python .ci/pictures

bench:
	@python3 .ci/environment torch
	.venv/bin/python -m resnet_demo bench $(BENCH_ARGS)
