"""Where the milliseconds of a request go, and what this machine allows at best: arithmetic, memory, Gradio itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache

import numpy as np
from tqdm import tqdm

from resnet_demo import tasks
from resnet_demo.backends import openvino_int8
from resnet_demo.backends.openvino_runtime import core, hints, ov
from resnet_demo.bench import results
from resnet_demo.bench.cases.http import Requests
from resnet_demo.bench.cases.photo import DRAFT, SIDE
from resnet_demo.bench.comparison import RATE, Entry, compare
from resnet_demo.bench.harness import servers, uploads
from resnet_demo.bench.harness.clients import EndpointClient, running
from resnet_demo.bench.harness.photos import QUALITY
from resnet_demo.bench.peers import networks
from resnet_demo.bench.settings import Settings
from resnet_demo.bench.turns import take_turns
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.images import overlay as image_overlay
from resnet_demo.images.decode import open_photo
from resnet_demo.inference.classifier import Classifier
from resnet_demo.page.widgets.heat import with_heat
from resnet_demo.utils.cpu import cpu_count

PARTS = "one request, ResNet-{depth}"
MACHINE = "this machine at best"
SQUARE, PRODUCTS = 1024, 4  # rows of the matrices that are multiplied, and how many one after the other
BYTES = {"int8": 1, "bf16": 2, "f32": 4}  # of a number
BLOCK = 128_000_000  # bytes that are copied: more than any cache
EXPLANATION = """
One request after the other over plain HTTP, as the measurement http has it, and its parts, each measured alone with the
same photo ({width} × {height}): flowers102, ResNet-{depth} at {size} px. Beside them what bounds them: multiply-adds of
{square} × {square} matrices in the network's precision ({precision}), copying {block:.0f} MB in memory on all CPUs, and
a Gradio app that hands the upload's path on. Turns of each: {rounds}, {seconds:g} s.
"""


def measure(settings: Settings) -> list[dict]:
    """Print the table, and return its rows for JSON.

    Raises:
        UserError: an app does not start, or there is no checkpoint of flowers102 here.
    """
    from resnet_demo.backends.openvino import best_precision

    depth = servers.depth_of(settings.depths)
    checkpoint = networks.checkpoint_of("flowers102", depth)
    precision = best_precision(checkpoint)
    print(
        EXPLANATION.format(
            width=uploads.WIDTH,
            height=uploads.HEIGHT,
            depth=depth,
            size=checkpoint.spec.size,
            square=SQUARE,
            precision=precision,
            block=BLOCK / 1e6,
            rounds=settings.rounds,
            seconds=settings.seconds,
        ),
        flush=True,
    )
    machine = compare(
        MACHINE,
        [
            Entry(f"multiply-adds, {precision}", lambda: multiply(precision), RATE),
            Entry("copying in memory, read and written", lambda: copy, RATE),
        ],
        settings.rounds,
        settings.seconds,
    )
    flops, bandwidth = (row.median for row in machine)
    bound = bounds(checkpoint, precision, flops, bandwidth)
    inside = compare(PARTS.format(depth=depth), parts(checkpoint, bound), settings.rounds, settings.seconds)
    table = [*over_http(settings, depth, sum(row.median for row in inside)), *inside, *map(in_giga, machine)]
    print(results.table(table), flush=True)
    return results.to_dicts(table)


def parts(checkpoint: Checkpoint, bound: str) -> list[Entry]:
    """What the tab Classify does with an upload, step by step.

    Args:
        bound: what limits the network, in words.
    """
    predict = Classifier(checkpoint.spec.name, checkpoint.depth, "cpu", checkpoint=checkpoint)
    file = uploads.flower(0)
    answer = predict(file, draft_side=DRAFT)
    picture, window = tasks.preprocess(checkpoint.spec, answer.photo)
    batch = np.ascontiguousarray(picture[None])
    logits = predict.engine.run(batch).logits[0]
    cam = answer.low_resolution_cam()
    overlay = with_heat(answer.photo, cam, window)

    def classes() -> object:
        calibration = checkpoint.calibration
        return (
            tasks.softmax(calibration.scaled(logits)),
            calibration.familiarity(answer.features),
            answer.low_resolution_cam(),
        )

    return [
        Entry("decoding the JPEG", lambda: lambda: open_photo(file, draft_side=DRAFT)),
        Entry("preparing the picture", lambda: lambda: tasks.preprocess(checkpoint.spec, answer.photo)),
        Entry("the network", lambda: lambda: predict.engine.run(batch), note=bound),
        Entry("classes, familiarity, Grad-CAM map", lambda: classes),
        Entry(
            "colours over the photo",
            lambda: lambda: with_heat(image_overlay.fit_within(answer.photo, SIDE), cam, window),
        ),
        Entry("encoding the JPEG", lambda: lambda: image_overlay.encode_jpeg(overlay, QUALITY)),
    ]


def over_http(settings: Settings, depth: int, inside: float) -> list[results.Row]:
    """Rows of the whole request, and of what is left of it beside ``inside`` milliseconds of our own work."""
    with ExitStack() as stack:
        apps = stack.enter_context(running(servers.our_app(depth=depth), servers.path_app()))
        names = (servers.OURS, servers.PATHS)
        ways = [Requests(name, stack.enter_context(EndpointClient(app))) for name, app in zip(names, apps, strict=True)]
        total = len(ways) * (settings.rounds + 1)
        with tqdm(total=total, unit="turn", desc="http", mininterval=1, leave=False) as progress:
            figures = take_turns(ways, settings.rounds, settings.seconds, progress)
    shared = {"what": PARTS.format(depth=depth), "unit": "ms", "lower_is_better": True}
    whole, least = figures[servers.OURS], figures[servers.PATHS]
    gradio = results.measured(least, way="", **shared).median
    return [
        results.measured(whole, way="whole, over HTTP", **shared),
        results.measured(
            [max(0.0, value - inside) for value in whole],
            way="upload, queue, events, download: Gradio",
            note=f"at least {results.number(gradio)} ms: {servers.PATHS}",
            **shared,
        ),
    ]


def bounds(checkpoint: Checkpoint, precision: str, flops: float, bandwidth: float) -> str:
    """What the network takes at least, in words.

    Args:
        flops: operations a second, two a multiply-add.
        bandwidth: bytes a second.
    """
    from resnet_demo.models.resnet import ResNet, count_gflops, count_parameters

    spec = checkpoint.spec
    network = ResNet(checkpoint.architecture, spec.outputs)
    arithmetic = 2e9 * count_gflops(network, spec.size, spec.size) / flops * 1000
    reading = count_parameters(network) * BYTES[precision] / bandwidth * 1000
    return f"arithmetic: {results.number(arithmetic)} ms; reading weights: {results.number(reading)} ms"


def multiply(precision: str) -> Callable[[], float]:
    """Products of matrices as the engine's library does them → how many operations one call takes."""
    from openvino import opset13 as ops

    random = np.random.default_rng(0)
    given = ops.parameter([SQUARE, SQUARE], np.float32)
    x = given.output(0)
    for _ in range(PRODUCTS):
        weights = random.standard_normal((SQUARE, SQUARE), np.float32) / np.float32(np.sqrt(SQUARE))
        if precision == "int8":
            steps = openvino_int8.steps_here()
            x, weights = openvino_int8.rounded(ops.relu(x).output(0), 4, steps), openvino_int8.integers(weights)
        x = ops.matmul(x, weights, False, True).output(0)
    model = ov.Model([x], [given], "products")
    request = core.compile_model(model, "CPU", hints(precision)).create_infer_request()
    square = random.standard_normal((SQUARE, SQUARE), np.float32)

    def run() -> float:
        request.infer([square], share_inputs=True, share_outputs=True)
        return 2.0 * PRODUCTS * SQUARE**3

    return run


def copy() -> float:
    """A block copied by as many threads as there are CPUs → how many bytes went through memory."""
    threads = [threading.Thread(target=np.copyto, args=pair) for pair in _blocks()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 2.0 * BLOCK


@cache
def _blocks() -> list[tuple[np.ndarray, np.ndarray]]:
    count = cpu_count()
    return [(np.zeros(BLOCK // count, np.uint8), np.ones(BLOCK // count, np.uint8)) for _ in range(count)]


def in_giga(row: results.Row) -> results.Row:
    """A rate a second, with its unit for people."""
    unit = "GB/s" if "multiply" not in row.way else "Gop/s" if "int8" in row.way else "GFLOP/s"
    figures = [row.lowest / 1e9, row.median / 1e9, row.highest / 1e9]
    return results.measured(figures, what=row.what, way=row.way, unit=unit, lower_is_better=False)
