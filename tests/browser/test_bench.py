"""The measurements that need a browser, once each. Figures are not tested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser

from resnet_demo.bench.cases import live, visible
from resnet_demo.bench.harness import chromium as bench_chromium
from resnet_demo.bench.harness import clients
from resnet_demo.bench.runner import Settings

ONCE = Settings((18,), rounds=1, seconds=0)


@pytest.fixture
def launched(chromium, chromium_path, monkeypatch):
    """The measurements' browser comes from the tests' Playwright: a thread may have one only."""

    @contextmanager
    def launch(switches: Sequence[str] = ()) -> Iterator[Browser]:
        browser = chromium.browser_type.launch(
            executable_path=chromium_path, args=[*bench_chromium.SWITCHES, *switches]
        )
        yield browser
        browser.close()

    monkeypatch.setattr(bench_chromium, "launched", launch)


def test_time_to_a_visible_result_is_measured_beside_an_app_that_does_nothing(launched, monkeypatch, capsys):
    monkeypatch.setattr(clients, "WARM_UP", 1)
    ours, nothing = visible.measure(ONCE)
    assert (ours["ours"], nothing["ours"], nothing["limit_ratio"]) == (True, False, 1.0)
    assert ours["median"] > 0 and nothing["median"] > 0 and nothing["ratio"] > 0
    assert "upload to visible result" in capsys.readouterr().out


def test_frames_of_the_tab_live_are_counted(launched, capsys):
    (row,) = live.measure(ONCE)
    assert row["median"] > 0 and row["target_ratio"] == 15 and row["unit"] == "frames a second"
    assert "640 × 480" in capsys.readouterr().out
