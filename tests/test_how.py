"""The tab How it works: what it draws and counts must be what the networks are."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import tiny

from resnet_demo import checkpoints
from resnet_demo.models import cost, resnet
from resnet_demo.models.architecture import DEPTHS
from resnet_demo.page.tabs import how_it_works


def cells(html: str) -> dict[int, list[str]]:
    """Depth → the cells of its row."""
    rows = re.findall(r'<tr><th scope="row">(\d+)</th>(.*?)</tr>', html)
    return {int(depth): re.findall("<td>(.*?)</td>", row) for depth, row in rows}


def test_the_table_counts_as_the_networks_do(monkeypatch, tmp_path):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    tiny.weights_folder(tmp_path, (tiny.FLOWERS, 18), channels=64)
    html = how_it_works.table()
    found = cells(html)
    assert tuple(found) == DEPTHS
    assert all(eval(layers.replace("×", "*")) == depth for depth, (_, _, layers, *_) in found.items())
    network = resnet.ResNet(18, outputs=tiny.FLOWERS.outputs)
    kind, blocks, _, working, parameters, gflops, top1, nme = found[18]
    assert (kind, blocks) == ("Basic block", "2 + 2 + 2 + 2")
    assert float(parameters) == pytest.approx(resnet.count_parameters(network) / 1e6, abs=0.05)
    assert float(gflops) == pytest.approx(resnet.count_gflops(network, 64, 64), abs=0.005)
    assert (working, top1, nme) == ("–", "0.50", "–")
    assert found[152][-2:] == ["–", "–"]
    assert "64 × 64" in html


def test_the_table_counts_each_network_at_the_size_of_its_own_pictures():
    """Those that are bundled; Compare says the same of them."""
    html = how_it_works.table()
    assert "192 × 192</span></caption>" in html
    for depth, (*_, gflops, _, _) in cells(html).items():
        checkpoint = checkpoints.load("flowers102", depth)
        spec = checkpoint.spec
        assert float(gflops) == round(cost.count_gflops(checkpoint.architecture, spec.outputs, None, spec.size), 2)


def test_the_table_says_which_depths_see_other_sizes(monkeypatch, tmp_path):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    tiny.weights_folder(tmp_path, (tiny.FLOWERS, 18), (replace(tiny.FLOWERS, size=96, resize=96), 50))
    assert "64 × 64 (18), 96 × 96 (34, 50, 101, 152)</span></caption>" in how_it_works.table()


def test_the_table_needs_no_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    assert cells(how_it_works.table())[50][4:6] == ["25.6", "3.86"]  # ImageNet's, as in the paper: 3.8 · 10⁹


@pytest.mark.parametrize(("kind", "boxes"), [("basic", 2), ("bottleneck", 3)])
def test_a_block_is_drawn_with_its_convolutions(kind, boxes):
    figure = ElementTree.fromstring(how_it_works.block(kind))
    drawing = figure.find("svg")
    named = {part.get("id") for part in drawing.iter() if part.tag in ("title", "desc") and part.text}
    assert drawing.get("role") == "img"
    assert set(drawing.get("aria-labelledby").split()) == named
    assert len(list(drawing.iter("rect"))) == boxes
    words = " ".join(text.text for text in drawing.iter("text"))
    assert words.count("3 × 3") == (2 if kind == "basic" else 1)
    assert ("64 → 256" in words) == (kind == "bottleneck")


def test_the_table_says_how_many_blocks_do_anything(monkeypatch, tmp_path):
    monkeypatch.setenv("RESNET_DEMO_WEIGHTS", str(tmp_path))
    tiny.weights_folder(tmp_path, (tiny.FLOWERS, 18))
    folder = checkpoints.find(tiny.FLOWERS.name, 18).config.parent
    changes = {f"layer{stage}.{block}": 50.0 for stage in (1, 2, 3, 4) for block in (0, 1)} | {"layer3.1": 0.2}
    checkpoints.copy(folder, folder, {}, None, {"lesions": {"changes": changes}})
    checkpoints.register(folder)
    assert cells(how_it_works.table())[18][3] == "7 / 8"
