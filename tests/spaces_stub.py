"""A stand-in for the package ``spaces``, which every Gradio Space has: its ``GPU`` records what is decorated and
called, a JSON object a line in the file ``SPACES_STUB_LOG``. With ``SPACES_ZERO_GPU`` it runs each call in a forked
process, with pickled arguments and results, as ZeroGPU does."""

from __future__ import annotations

import json
from pathlib import Path

CODE = """\
import functools, json, multiprocessing, os, pickle, sys, traceback

def record(**line):
    with open(os.environ["SPACES_STUB_LOG"], "a") as file:
        file.write(json.dumps(line | {"pid": os.getpid()}) + "\\n")

record(event="imported", torch="torch" in sys.modules)

def gradio_auto_wrap(task):
    return task

def in_child(task, sent, pipe):
    try:
        args, kwargs = pickle.loads(sent)
        pipe.send_bytes(pickle.dumps(task(*args, **kwargs)))
    except BaseException:
        pipe.send_bytes(pickle.dumps(traceback.format_exc()))
    os._exit(0)

def GPU(task=None, *, duration=60, size=None):
    if task is None:
        return functools.partial(GPU, duration=duration, size=size)
    record(event="decorated", name=task.__name__, duration=duration)

    @functools.wraps(task)
    def lent(*args, **kwargs):
        if os.environ.get("SPACES_ZERO_GPU") != "true":
            record(event="called", name=task.__name__)
            return task(*args, **kwargs)
        sent = pickle.dumps((args, kwargs))
        record(event="called", name=task.__name__, bytes=len(sent))
        context = multiprocessing.get_context("fork")
        here, there = context.Pipe()
        process = context.Process(target=in_child, args=(task, sent, there), daemon=True)
        process.start()
        answer = pickle.loads(here.recv_bytes())
        process.join()
        if isinstance(answer, str):
            raise RuntimeError(answer)
        return answer

    return lent
"""
RELOADING = "def start_reload_server(**_):\n    pass\n"  # Gradio starts it on a Space, for its dev mode.


def write(root: Path) -> Path:
    """Make the package in ``root``, a folder for ``sys.path``."""
    (root / "spaces").mkdir(parents=True)
    (root / "spaces" / "__init__.py").write_text(CODE)
    (root / "spaces" / "reloading.py").write_text(RELOADING)
    (root / "spaces-0.51.3.dist-info").mkdir()
    (root / "spaces-0.51.3.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: spaces\nVersion: 0.51.3\n")
    return root


def read(log: Path, event: str) -> list[dict]:
    """What was recorded of one kind: ``imported``, ``decorated`` or ``called``."""
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [line for line in lines if line["event"] == event]
