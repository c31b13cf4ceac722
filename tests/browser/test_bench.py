"""The measurements that need a browser, once each. Figures are not tested."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from resnet_demo.bench.cases import first_visit, live, slow_line, visible
from resnet_demo.bench.harness import chromium as bench_chromium
from resnet_demo.bench.harness import servers, uploads
from resnet_demo.bench.settings import Settings

ONCE = Settings((18,), rounds=1, seconds=0)


@pytest.fixture
def launched(chromium, chromium_path, monkeypatch):
    """The measurements' browser is the tests', or comes from their Playwright: a thread may have one only."""

    @contextmanager
    def launch(switches: Sequence[str] = ()) -> Iterator[Browser]:
        if not switches:
            yield chromium
            return
        browser = chromium.browser_type.launch(
            executable_path=chromium_path, args=[*bench_chromium.SWITCHES, *switches]
        )
        yield browser
        browser.close()

    monkeypatch.setattr(bench_chromium, "launched", launch)


@pytest.fixture
def ours(server, monkeypatch) -> servers.Server:
    """Our page as the other tests have it, in the place of a fresh one; that one is started is tested in
    ``test_bench_page``."""
    found = servers.Server(servers.our_app(), urlsplit(server).port, subprocess.Popen, Path(), time.perf_counter())
    serving = servers.serving

    @contextmanager
    def as_it_is(app: servers.App) -> Iterator[servers.Server]:
        if app.name == servers.OURS:
            yield found
        else:
            with serving(app) as other:
                yield other

    monkeypatch.setattr(servers, "serving", as_it_is)
    return found


@pytest.fixture(scope="module")
def nothing() -> Iterator[servers.Server]:
    """A do-nothing app."""
    with servers.serving(servers.nothing_app()) as found:
        yield found


@pytest.fixture
def both(nothing, ours):
    """In the place of ``clients.both``: the apps that are running."""

    @contextmanager
    def as_they_are(_) -> Iterator[list[servers.Server]]:
        yield [ours, nothing]

    return as_they_are


def test_time_to_a_visible_result_is_measured_beside_an_app_that_does_nothing(launched, both, monkeypatch, capsys):
    monkeypatch.setattr(visible, "both", both)
    ours_row, nothing_row = visible.measure(ONCE)
    assert (ours_row["ours"], nothing_row["ours"], nothing_row["limit_ratio"]) == (True, False, 1.0)
    assert ours_row["median"] > 0 and nothing_row["median"] > 0 and nothing_row["ratio"] > 0
    assert "upload to visible result" in capsys.readouterr().out


def test_a_first_visit_is_measured_in_seconds_and_in_bytes(launched, both, monkeypatch, capsys):
    monkeypatch.setattr(first_visit, "both", both)
    monkeypatch.setattr(first_visit, "slow_down", lambda page: None)
    rows = first_visit.measure(ONCE)
    assert [(row["unit"], row["ours"]) for row in rows] == [("s", True), ("s", False), ("MB", True), ("MB", False)]
    assert all(row["median"] > 0 for row in rows)
    assert "until a photo can be chosen" in capsys.readouterr().out


def test_a_large_photo_is_measured_scaled_and_as_it_is(launched, ours, monkeypatch):
    @contextmanager
    def running(*_) -> Iterator[list[servers.Server]]:
        yield [ours]

    monkeypatch.setattr(slow_line, "running", running)
    monkeypatch.setattr(slow_line, "slow_down", lambda page: None)
    monkeypatch.setattr(uploads, "large", uploads.flower)
    rows = slow_line.measure(ONCE)
    assert [(row["unit"], row["ours"]) for row in rows] == [("s", True), ("s", False), ("MB", True), ("MB", False)]
    assert all(row["median"] > 0 for row in rows)


def test_frames_of_the_tab_live_are_counted(launched, ours, monkeypatch, capsys):
    monkeypatch.setattr(live, "FRAMES", 5)
    monkeypatch.setattr(live, "LEAST", 0.2)
    (row,) = live.measure(ONCE)
    assert row["median"] > 0 and row["target_ratio"] == 15 and row["unit"] == "frames a second"
    assert "640 × 480" in capsys.readouterr().out
