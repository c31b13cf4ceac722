"""Training in two processes, as ``torchrun`` starts them, is training in one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import torch
import two_processes
from conftest import ROOT, free_port

from resnet_demo.errors import UserError
from resnet_demo.training.distributed import Team, join

pytestmark = pytest.mark.usefixtures("narrow")


def log_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_two_processes_have_the_losses_and_weights_of_one(tmp_path, monkeypatch, capfd):
    """And find as many dead channels, of which the first one tells."""
    tiny.in_float32(monkeypatch)
    alone = tmp_path / "alone"
    expected, losses = two_processes.flowers(alone), two_processes.points(tmp_path / "alone-points")
    losses_of_heads = two_processes.heads(tmp_path / "alone-heads")
    said = "% of the channels of layer4 are zero for every picture"
    assert capfd.readouterr().err.count(said) == two_processes.RECIPE.epochs
    together = tmp_path / "together"
    names = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "CUDA_VISIBLE_DEVICES": ""}
    second = os.environ | names | {"RANK": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, two_processes.__file__, str(together)]
    with subprocess.Popen(command, env=second, cwd=tmp_path) as process:
        for name, value in (names | {"RANK": "0"}).items():
            monkeypatch.setenv(name, value)
        try:
            found, found_losses, found_of_heads, found_dead = two_processes.all_runs(together)
        except BaseException:
            process.kill()  # It would wait for us for hours.
            raise
    assert process.returncode == 0
    assert capfd.readouterr().err.count(said) == two_processes.RECIPE.epochs
    assert found_dead == two_processes.dead() == 0.5
    # The first one writes, and nobody else.
    assert len(list((together / "tensorboard").iterdir())) == len(list((alone / "tensorboard").iterdir()))
    for one, two in zip(log_of(alone), log_of(together), strict=True):
        assert two["loss"] == pytest.approx(one["loss"], abs=1e-5)
        assert two["dead"] == one["dead"] >= two_processes.DEAD / 128
    assert found_losses == pytest.approx(losses, rel=1e-6)  # of about 100
    assert found_of_heads == pytest.approx(losses_of_heads, rel=1e-5)
    weights = found.state_dict()
    for key, value in expected.state_dict().items():
        torch.testing.assert_close(weights[key], value, rtol=1e-4, atol=1e-5, msg=key)


def test_without_torchrun_it_is_one_process(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    assert join() == Team(0, 1, 0)
    with pytest.raises(UserError, match="too small for 4 processes: start fewer"):
        Team(0, 4).check(3)
