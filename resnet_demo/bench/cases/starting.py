"""From the start of the process to the first page and to the first prediction, beside an app that does nothing and a
script with torch and torchvision."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from resnet_demo.bench import results
from resnet_demo.bench.harness import servers, uploads
from resnet_demo.bench.harness.clients import EndpointClient
from resnet_demo.bench.harness.programs import output_of
from resnet_demo.bench.settings import Settings
from resnet_demo.bench.turns import take_turns

PAGE, PREDICTION = "start to first page", "start to first prediction"
PAGE_LIMIT, PREDICTION_LIMIT = 1.15, 1.0  # of the others' time
CLASSES = 102
SCRIPT = Path(__file__).resolve().parents[1] / "peers" / "torchvision_script.py"
EXPLANATION = """
From the start of a process, with its files in the system's memory. Turns of each way: {rounds}, one start each, after
one to warm up.
- {page}: until / is served with HTTP 200, looked for every {look:g} ms.
- {prediction}: ours until a photo was uploaded, classified by /classify (flowers102, ResNet-{depth}) and its Grad-CAM
  overlay fetched, asked as soon as the page is there; beside it a script that imports torch and torchvision, loads a
  ResNet-{depth} from a file of weights, names the classes of the same photo and ends.
- {nothing}: gr.Image in, gr.Label and gr.Image out with all defaults.
"""


@dataclass(frozen=True)
class Start:
    """What takes turns: a start of something → the seconds until it has done what it is for."""

    name: str
    once: Callable[[], float]

    def measure(self, seconds: float) -> float:
        return self.once()


def measure(settings: Settings) -> list[dict]:
    """Print the table, and return its rows for JSON.

    Raises:
        UserError: an app does not start, or answers with an error.
    """
    depth = servers.depth_of(settings.depths)
    print(explanation(settings, depth), flush=True)
    ours, script = f"{servers.OURS}, ResNet-{depth}", f"torchvision script, ResNet-{depth}"
    with tempfile.TemporaryDirectory(prefix="resnet-demo-bench-", ignore_cleanup_errors=True) as folder:
        command = torch_command(depth, Path(folder))
        ways = [
            Start(servers.OURS, lambda: first_page(servers.our_app(depth=depth))),
            Start(servers.NOTHING, lambda: first_page(servers.nothing_app())),
            Start(ours, lambda: first_prediction(servers.our_app(depth=depth))),
            Start(script, lambda: finished(command)),
        ]
        with tqdm(total=len(ways) * (settings.rounds + 1), unit="start", mininterval=1) as progress:
            figures = take_turns(ways, settings.rounds, 0.0, progress)
    page = {"what": PAGE, "unit": "s", "lower_is_better": True}
    prediction = page | {"what": PREDICTION}
    found = [
        results.measured(figures[servers.OURS], way=servers.OURS, ours=True, **page),
        results.measured(figures[servers.NOTHING], way=servers.NOTHING, limit_ratio=PAGE_LIMIT, **page),
        results.measured(figures[ours], way=ours, ours=True, note="page and Grad-CAM included", **prediction),
        results.measured(figures[script], way=script, limit_ratio=PREDICTION_LIMIT, **prediction),
    ]
    print(results.table(found), flush=True)
    return results.to_dicts(found)


def first_page(app: servers.App) -> float:
    """Seconds from an app's start until its page is there."""
    with servers.started(app) as server:
        return server.first_page()


def first_prediction(app: servers.App) -> float:
    """Seconds from an app's start until a photo's answer is there."""
    photo = uploads.flower(0)
    with servers.started(app) as server:
        server.first_page()
        with EndpointClient(server) as client:
            client.ask(photo)
            return time.perf_counter() - server.began


def torch_command(depth: int, folder: Path) -> list[str]:
    """What starts the script; its weights and photo are put into ``folder``."""
    import torch
    from torchvision import models

    weights, photo = folder / "weights.pt", folder / "photo.jpg"
    torch.save(models.get_model(f"resnet{depth}", num_classes=CLASSES).state_dict(), weights)
    photo.write_bytes(uploads.flower(0))
    return [sys.executable, "-I", str(SCRIPT), str(depth), str(weights), str(photo)]


def finished(command: list[str]) -> float:
    """Seconds that a program takes from its start to its end.

    Raises:
        UserError: it failed.
    """
    start = time.perf_counter()
    output_of(command)
    return time.perf_counter() - start


def explanation(settings: Settings, depth: int) -> str:
    """What the table shows, in words."""
    return EXPLANATION.format(
        rounds=settings.rounds,
        page=PAGE,
        look=1000 * servers.LOOK,
        prediction=PREDICTION,
        depth=depth,
        nothing=servers.NOTHING,
    )
