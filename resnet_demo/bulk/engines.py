"""Who does the parts: this process, or Ray Data on all machines of a cluster; both by the same function."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

from resnet_demo.bulk.job import Part, Work
from resnet_demo.bulk.pictures import Item
from resnet_demo.bulk.rows import Row, rows_of
from resnet_demo.inference.base import Predictor
from resnet_demo.inference.predictor import load
from resnet_demo.utils.packages import need

WINDOW = 512  # parts that Ray is given at a time


def here(network: Predictor, top_k: int) -> Work:
    """In this process, in order. The decoding of a part begins while the one before is at the network."""
    return partial(_one_after_the_other, network, top_k)


def _one_after_the_other(network: Predictor, top_k: int, parts: Iterator[Part]) -> Iterator[tuple[int, list[Row]]]:
    begun: list[tuple[int, int]] = []  # number and length of the parts whose pictures are on their way

    def items() -> Iterator[Item]:
        for number, pictures in parts:
            begun.append((number, len(pictures)))
            yield from pictures

    ready: list[list[Row]] = []  # of each picture
    for portion in rows_of(network, items(), top_k):
        ready += portion
        while begun and len(ready) >= begun[0][1]:
            number, length = begun.pop(0)
            yield number, [row for rows in ready[:length] for row in rows]
            del ready[:length]


class Worker:
    """One of Ray's: a process with a network of its own, which does whole parts."""

    def __init__(self, task: str, depth: int, device: str, top_k: int):
        self.network, self.top_k = load(task, depth, device), top_k

    def __call__(self, batch: dict[str, Any]) -> dict[str, list]:
        """``part``: numbers, ``pictures``: JSON lists → the numbers, and ``rows``: JSON lists."""
        return {"part": list(batch["part"]), "rows": [json.dumps(self._rows(text)) for text in batch["pictures"]]}

    def _rows(self, pictures: str) -> list[Row]:
        portions = rows_of(self.network, json.loads(pictures), self.top_k)
        return [row for portion in portions for rows in portion for row in rows]


def on_ray(task: str, depth: int, device: str, top_k: int) -> Work:
    """On the cluster that ``RAY_ADDRESS`` names, or on this machine: a worker for each GPU, else one for each machine,
    as one network uses all of its cores. Each machine has the package, and the pictures under the same paths.

    Raises:
        UserError: Ray is missing.
    """
    need("ray")
    return partial(_ray, (task, depth, device, top_k))


def _ray(arguments: tuple, parts: Iterator[Part]) -> Iterator[tuple[int, list[Row]]]:
    import ray

    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    gpus = int(ray.cluster_resources().get("GPU", 0)) if arguments[2] in ("auto", "cuda") else 0
    machines = sum(node["Alive"] for node in ray.nodes())
    while window := [{"part": number, "pictures": json.dumps(items)} for number, items in islice(parts, WINDOW)]:
        workers = min(gpus or machines, len(window))
        done: Iterable[dict[str, Any]] = (
            ray.data.from_items(window, override_num_blocks=len(window))
            .map_batches(
                Worker,
                fn_constructor_args=arguments,
                batch_size=1,
                concurrency=workers,
                num_gpus=1 if gpus else 0,  # Ray Data spreads its workers over the machines by itself.
            )
            .iter_rows()
        )
        for row in done:
            yield int(row["part"]), json.loads(row["rows"])
