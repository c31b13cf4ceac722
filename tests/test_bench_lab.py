"""``bench cifar`` and ``bench batch``: their rows and goals, on small networks and folders; ``batch`` runs once."""

from __future__ import annotations

import csv

import pytest
import torch

from resnet_demo.bench.cases import batch, cifar
from resnet_demo.bench.harness import processes
from resnet_demo.bench.settings import Settings


def test_cifar_trains_ours_and_the_peers_network(monkeypatch, capsys):
    monkeypatch.setattr(cifar, "NETWORK", "resnet20")
    monkeypatch.setattr(cifar, "DEPTH", 20)
    monkeypatch.setattr(cifar, "PICTURES", 8)
    monkeypatch.setattr(torch, "compile", lambda network, **_: network)
    ours, peer, *autocast, plain = cifar.measure(Settings((50,), rounds=1, seconds=0, batch=4, workers=0))
    assert (ours["way"], peer["way"], plain["way"]) == (cifar.OURS, cifar.PEER, cifar.PLAIN)
    assert ours["ours"] and peer["target_ratio"] == 1.5
    assert [row["way"] for row in autocast] == [cifar.PEER_BF16] * (ours["note"] == "bf16")
    assert all(row["median"] > 0 for row in (ours, peer, *autocast, plain))
    assert peer["note"] == "float32" and "pictures a second" in capsys.readouterr().out


def test_batch_is_compared_with_predict_and_its_memory_has_a_limit(monkeypatch):
    asked = []
    monkeypatch.setattr(batch, "run", lambda words, depth: asked.append((words[0], words[1])) or 250.0)
    ours, predict, memory = batch.measure(Settings((18,), rounds=2, pictures=40))
    assert ours["ours"] and predict["target_ratio"] == 0.95
    assert (memory["target_ratio"], memory["median"]) == (600.0, 250.0)
    for name in ("batch", "predict"):
        # A small folder to try it and to warm it up, then the whole one at each turn.
        assert [folder.endswith("whole") for way, folder in asked if way == name] == [False, False, True, True]


@pytest.mark.skipif(not processes.readable(), reason="The system does not tell what memory a process has.")
def test_the_memory_of_a_command_is_measured(tmp_path):
    whole, few = batch.folders(tmp_path, 5)
    peak = batch.run(["batch", str(few), "--output", str(tmp_path / "table.csv")], 18)
    assert 50 < peak < 600
    with (tmp_path / "table.csv").open(newline="") as file:
        assert len({row["image"] for row in csv.DictReader(file)}) == 5
    assert len(list(whole.iterdir())) == 5
