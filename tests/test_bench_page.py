"""Measurements of the page beside an app that does nothing: tables, rows, what is left behind. Figures are not tested.

Both apps are started once, on networks that have learned nothing.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest
import tiny

from resnet_demo.bench.cases import crowd, http, limits, live, load, memory, starting, visible
from resnet_demo.bench.harness import chromium, clients, processes, servers, uploads
from resnet_demo.bench.harness.clients import both
from resnet_demo.bench.harness.http_client import Visitor
from resnet_demo.bench.settings import Settings
from resnet_demo.cli.main import main
from resnet_demo.errors import UserError

TINY = ["--depths", "18", "--rounds", "1", "--seconds", "0"]
ROW = {
    "what",
    "way",
    "unit",
    "lower_is_better",
    "median",
    "lowest",
    "highest",
    "ours",
    "target_ratio",
    "limit_ratio",
    "ratio",
    "met",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Our page on tiny networks and the do-nothing app."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr(clients, "WARM_UP", 1)
        stack.enter_context(tiny.page_weights(tmp_path_factory, (tiny.FLOWERS, 18), (tiny.FACES, 18)))
        found = stack.enter_context(both(18))
        yield found
    assert all(server.process.poll() is not None for server in found)
    assert not any(server.log.parent.exists() for server in found)


@pytest.fixture
def given(running, monkeypatch):
    """The measurements take the apps that are running, in place of fresh ones."""

    @contextmanager
    def as_they_are(*_):
        yield running

    @contextmanager
    def ours(_):
        yield running[0]

    for module in (http, load, visible):
        monkeypatch.setattr(module, "both", as_they_are)
    monkeypatch.setattr(limits, "running", as_they_are)
    monkeypatch.setattr(servers, "serving", ours)


def table(output: str) -> list[dict[str, str]]:
    """The rows of the tables that were printed."""
    lines = [line.strip("| ").split(" | ") for line in output.splitlines() if line.startswith("| ")]
    return [dict(zip(lines[0], line, strict=False)) for line in lines if line[0] not in ("what", "---")]


def test_http_and_load_print_tables_and_write_their_rows(given, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(load, "CLIENTS", (2, 3))
    monkeypatch.setattr(load, "PHOTOS", 6)
    file = tmp_path / "bench.json"
    assert main(["bench", "http", "load", *TINY, "--json", str(file)]) == 0
    output = capsys.readouterr().out
    assert "flowers102, ResNet-18" in output and "700 × 500" in output and "Turns of each way: 1" in output
    measured = json.loads(file.read_text())["measurements"]
    assert list(measured) == ["http", "load"]
    rows = measured["http"] + measured["load"]
    assert all(ROW <= row.keys() and row["median"] > 0 for row in rows)
    assert [row["ours"] for row in rows] == [True, False] * 3
    assert [row["limit_ratio"] or row["target_ratio"] for row in rows if not row["ours"]] == [0.75, 1.5, 1.5]
    assert all(row["ratio"] > 0 and row["met"] in (True, False) for row in rows if not row["ours"])
    assert [line["what"] for line in table(output)] == [row["what"] for row in rows]


def test_a_crowd_gets_what_a_lone_client_gets(given, monkeypatch, capsys):
    monkeypatch.setattr(crowd, "CLIENTS", 3)
    monkeypatch.setattr(crowd, "PHOTOS", 2)
    monkeypatch.setattr(crowd, "SECONDS", 1.0)
    rows = crowd.measure(Settings((18,)))
    output = capsys.readouterr().out
    assert [row["what"] for row in rows] == [
        f"3 clients, all networks: {share} % of the answers within" for share in (50, 95, 99)
    ]
    assert 0 < rows[0]["median"] <= rows[1]["median"] <= rows[2]["median"]
    assert re.search(r"Of \d+ questions: \d+ same\.", output), output
    assert crowd.near({"p": [0.5, 300.0]}, {"p": [0.505, 301.0]})
    assert not crowd.near({"p": [0.5, 300.0]}, {"p": [0.5, 310.0]})
    assert not crowd.near({"label": "Rose"}, {"label": "Iris"})


def test_limits_share_out_a_request(given, monkeypatch, capsys):
    monkeypatch.setattr(limits, "SQUARE", 32)
    monkeypatch.setattr(limits, "BLOCK", 4096)
    limits._blocks.cache_clear()
    found = limits.measure(Settings((18,), rounds=1, seconds=0))
    limits._blocks.cache_clear()
    ways = {row["way"]: row for row in found}
    whole, *inside = [row for row in found if row["what"] == "one request, ResNet-18"]
    assert whole["way"] == "whole, over HTTP" and len(inside) == 7
    assert all(row["unit"] == "ms" and row["median"] >= 0 for row in inside)
    assert ways["the network"]["note"].startswith("arithmetic: ")
    units = [row["unit"] for row in found if row["what"] == limits.MACHINE]
    assert units == ["GFLOP/s", "GB/s"]
    assert [line["way"] for line in table(capsys.readouterr().out)] == list(ways)


def test_memory_uses_each_bundled_network(given, running, tmp_path_factory, monkeypatch, capsys):
    for name, value in (("REST", 0), ("REQUESTS", 2), ("ROUNDS", 1), ("VISITORS", 2)):
        monkeypatch.setattr(memory, name, value)
    with monkeypatch.context() as patch:
        patch.setattr(memory.checkpoints, "bundled", lambda: [])
        assert memory.measure(Settings((18,)))[0]["note"] == "0 networks"
    row, mixed, left = memory.measure(Settings((18,)))
    assert mixed["median"] > 0.1 and left["median"] < 0.1
    assert row["note"] == "2 networks" and row["unit"] == "GB" and 0.1 < row["median"] < 10
    assert "faces68 18, flowers102 18" in capsys.readouterr().out


def test_an_app_that_answers_with_an_error_gives_one_sentence(running):
    with Visitor(running[0].port) as visitor:
        number = visitor.endpoint("classify")
        with pytest.raises(UserError, match="The app answered a call with an error: .*ResNet-101"):
            visitor.ask(number, uploads.flower(0), "flowers102", 101, 5, "")
        with pytest.raises(UserError, match="/nothing"):
            visitor.endpoint("nothing")
        with pytest.raises(UserError, match="404"):
            visitor.fetch({"url": "http://127.0.0.1/gradio_api/nothing"})
        outputs = visitor.ask(number, uploads.flower(0), "flowers102", 18, 3, "").outputs  # The connection still works.
    assert outputs[2]["depth"] == 18
    with Visitor(1) as nobody, pytest.raises(UserError, match="does not answer"):
        nobody.endpoint("classify")


def test_photos_differ_and_have_the_size_that_is_printed():
    from io import BytesIO

    from PIL import Image

    first, second = (Image.open(BytesIO(uploads.flower(number))) for number in (0, 1))
    assert first.size == second.size == (700, 500)
    assert first.tobytes() != second.tobytes() and uploads.flower(0) != uploads.flower(load.PHOTOS)


def test_an_app_that_does_not_start_gives_its_last_line():
    app = servers.App("The app", ("-c", "raise SystemExit('There is no such thing.')"), "PORT", "nothing")
    with (
        servers.started(app) as server,
        pytest.raises(UserError, match="The app did not start: There is no such thing"),
    ):
        server.first_page()
    assert server.process.returncode == 1 and not server.log.parent.exists()


def test_apps_get_the_defaults_and_no_proxy(monkeypatch, tmp_path):
    for name in ("GRADIO_ANALYTICS_ENABLED", "PORT", "SPACE_ID"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("no_proxy", "example.org")
    found = servers.environment(str(tmp_path))
    assert [name for name in found if name.startswith("GRADIO")] == ["GRADIO_TEMP_DIR"]
    assert not {"PORT", "SPACE_ID"} & found.keys()
    assert found["no_proxy"] == found["NO_PROXY"] == "example.org,localhost,127.0.0.1"


def test_starting_compares_page_with_page_and_prediction_with_script(monkeypatch, capsys):
    monkeypatch.setattr(starting, "first_page", lambda app: {"ours": 2.0}.get(app.name, 1.0))
    monkeypatch.setattr(starting, "first_prediction", lambda app: 3.0)
    monkeypatch.setattr(starting, "torch_command", lambda depth, folder: [])
    monkeypatch.setattr(starting, "finished", lambda command: 6.0)
    found = starting.measure(Settings((18, 50), rounds=2))
    assert [(row["ours"], row["median"]) for row in found] == [(True, 2), (False, 1), (True, 3), (False, 6)]
    assert [(row["ratio"], row["met"]) for row in found if not row["ours"]] == [(2.0, False), (0.5, True)]
    assert len(table(capsys.readouterr().out)) == 4


def test_the_script_with_torch_names_five_classes(tmp_path, monkeypatch, capsys):
    """In this process: to import torch and torchvision once more would take ten seconds."""
    python, isolated, *arguments = starting.torch_command(18, tmp_path)
    assert (python, isolated) == (sys.executable, "-I")
    monkeypatch.setattr(sys, "argv", arguments)
    runpy.run_path(arguments[0], run_name="__main__")
    classes = [int(line.split()[0]) for line in capsys.readouterr().out.splitlines()]
    assert len(set(classes)) == 5 and set(classes) <= set(range(starting.CLASSES))


def test_a_script_that_fails_gives_its_last_line():
    assert starting.finished([sys.executable, "-I", "-c", "pass"]) > 0
    with pytest.raises(UserError, match="-c failed: There is no such thing"):
        starting.finished([sys.executable, "-I", "-c", "raise SystemExit('There is no such thing.')"])


@pytest.mark.parametrize("module", [visible, live])
def test_without_a_browser_the_rows_are_left_out_with_a_sentence(module, monkeypatch, capsys):
    monkeypatch.setattr(chromium, "path", lambda: None)
    assert module.measure(Settings((18,))) == []
    (line,) = capsys.readouterr().out.strip().splitlines()
    assert "left out: it needs Chromium" in line
    monkeypatch.setattr(chromium, "find_spec", lambda _: None)
    assert module.measure(Settings((18,))) == []
    assert "playwright" in capsys.readouterr().out


@pytest.mark.skipif(not processes.readable(), reason="only Linux has /proc")
def test_memory_and_time_of_a_process_and_its_children():
    code = "import sys; content = bytearray(50_000_000); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert child.pid in processes.family(os.getpid())
        assert processes.resident(os.getpid()) > processes.resident(child.pid) > 50_000_000
        assert processes.cpu_seconds(os.getpid()) > 0
        processes.settle([child.pid])
        child.stdin.close()
    assert processes.resident(child.pid) == 0
