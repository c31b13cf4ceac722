"""A photo with heat over it that answers in the browser: another class or region, opacity, colours, before and after.

The server sends the photo once, and the maps as few numbers as the network's feature map has cells; ``viewer.js``
scales, colours and lays them over the photo, so none of these needs a round trip. Two things do: the maps of the
earlier stages, all three at once, and a map as a file; and, of faces, how steady their points are.
"""

from __future__ import annotations

import base64
import html
import json
from functools import cache, singledispatch
from pathlib import Path

import gradio as gr
import numpy as np

from resnet_demo import tasks
from resnet_demo.faces import alignment
from resnet_demo.images import colormaps, draw_landmarks, overlay
from resnet_demo.inference import results
from resnet_demo.inference.results import DIRECTIONS
from resnet_demo.models.architecture import STAGES
from resnet_demo.page import result_cache
from resnet_demo.page.i18n import class_names
from resnet_demo.page.i18n.errors import sentence
from resnet_demo.page.i18n.texts import label
from resnet_demo.page.widgets import browser_images
from resnet_demo.page.widgets.inputs import DISPLAY_SIDE, address, cache_file, jpeg
from resnet_demo.page.widgets.scripts import once
from resnet_demo.page.widgets.snippets import snippets
from resnet_demo.page.widgets.truth import truth_curves, truth_hidden, truth_part

FOLDER = Path(__file__).parent
EARLIER = STAGES[:-1]
SENT_SIDE = 1600  # pixels of the long side to which ``smaller.js`` scales
TEXTS = (
    *(
        "opacity",
        "split",
        "look",
        "colours",
        "greys",
        "stage",
        "direction",
        "show",
        "points",
        "heat",
        "spread",
        "spread_hint",
    ),
    *("busy", "looking", "lost", "empty", "compare", "truth", "take"),
    *(f"direction_{name}" for name in DIRECTIONS),
    *(f"stage_{name}" for name in STAGES),
    *("low", "high", "across_low", "across_high", "down_low", "down_high"),
    *("take_overlay", "take_heat", "take_npy", "take_csv", "take_json", "code", "copy", "copied"),
)


def viewer(elem_id: str, kind: str) -> gr.HTML:
    """The component. Its value is ``view_of`` of an answer, or ``blank``.

    It listens to events of the document whose ``viewer`` is ``elem_id``: ``resnet:show`` with a class or region as
    ``what``, ``resnet:photo`` with the ``url``, ``name`` and ``badge`` of a photo that was chosen, and ``resnet:busy``.
    """
    return gr.HTML(
        blank(),
        html_template=f'<div class="viewer" data-kind="{kind}">{(FOLDER / "viewer.html").read_text("utf-8")}</div>',
        js_on_load=once("viewer"),
        server_functions=[stage_maps, spreads, heat_file, truth_part, truth_hidden, truth_curves],
        tables=tables(),
        stages=list(STAGES),
        directions=list(DIRECTIONS),
        side=DISPLAY_SIDE,
        contours=[list(contour) for contour in draw_landmarks.CONTOURS],
        colours={region: f"rgb{colour}" for region, colour in draw_landmarks.FACE_COLOURS.items()},
        elem_id=elem_id,
        elem_classes=["viewer-holder"],
    )


def blank() -> dict:
    """The viewer's value without a photo, in the visitor's language."""
    return {"texts": {key: label(f"viewer_{key}") for key in TEXTS}}


@cache
def tables() -> dict[str, str]:
    """Colour maps by name, 256 RGB triples each, as base64; ``signed`` runs from −1 to 1.

    The first one is the usual one: it grows lighter all the way, for the colour-blind too.
    """
    found = {name: colormaps.colour_table(name) for name in ("inferno", "viridis", "turbo")}
    found["signed"] = colormaps.signed_table()
    return {name: base64.b64encode(table.tobytes()).decode() for name, table in found.items()}


def view_of(result: results.Result, what: str | int | None, token: str | None = None) -> dict:
    """What the viewer shows of an answer, at first the heat of ``what``: a class (None: the top one) or a region.

    Args:
        token: the name under which the answer is kept already, see ``result_cache``.
    """
    width, height = shown_size(*result.photo.size)
    scale = width / result.photo.width
    view = blank() | {
        "file": result.image,
        "photo": address(shown_file(result)),
        "width": width,
        "height": height,
        "scale": scale,
        "name": Path(result.image or "photo").stem,
        "token": token or result_cache.keep(result),
        "code": snippets(result),
    }
    return view | maps_of(result, what, scale)


def shown_size(width: int, height: int) -> tuple[int, int]:
    """The size at which a photo of this one is shown, as ``overlay.fit_within`` scales it."""
    scale = min(1.0, DISPLAY_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shown_file(result: results.Result) -> str:
    """The path of an answer's photo as it is shown: the upload itself where that looks the same, else a JPEG of it.

    The browser has the upload already, so nothing is encoded and nothing travels.
    """
    image = result.image
    if image and browser_images.is_served(image) and browser_images.is_shown_as_it_is(image, SENT_SIDE):
        return image
    return jpeg(overlay.fit_within(result.photo, DISPLAY_SIDE), "photo")


@singledispatch
def maps_of(result: results.Result, what: str | int | None, scale: float) -> dict:
    """What depends on the kind of the answer: its maps, where they lie, and what they are of."""
    raise NotImplementedError


@maps_of.register
def classes_of(result: results.Prediction, target: str | int | None, scale: float) -> dict:
    """The last stage's maps of the listed classes and of the target."""
    spec = result.spec
    listed = [spec.labels.index(score.label) for score in result.top_k]
    index = tasks.class_index(spec, target)
    shown = listed[0] if index is None else index
    window = result.window.scaled(scale, scale)
    rows, columns = result.features.shape[1:]
    across, down = (window.right - window.left) / columns, (window.bottom - window.top) / rows
    return {
        "what": str(shown),
        "window": list(window),
        # Columns and rows of the last stage's map, and its cells → the shown photo's pixels.
        "grid": [columns, rows],
        "places": [[across, 0, 0, down, window.left, window.top]],
        "maps": {f"{number}/{STAGES[-1]}": [cells(result.low_resolution_cam(number))] for number in {*listed, shown}},
        "labels": {str(number): spec.labels[number] for number in {*listed, shown}},
        "names": {str(number): class_names.shown(spec.name, spec.labels[number]) for number in {*listed, shown}},
    }


@maps_of.register
def regions_of(result: results.FacesPrediction, region: str | int | None, scale: float) -> dict:
    """All regions' maps of each face, for each of ``DIRECTIONS``."""
    regions = tasks.REGIONS if result.spec.has_regions else ("all",)
    maps, places, rows, columns = {}, [], 1, 1
    for face in result.faces:
        rows, columns = face.features.shape[1:]
        cell = np.diag([result.spec.size / columns, result.spec.size / rows, 1])
        matrix = scale * (np.vstack([alignment.invert(face.matrix), (0, 0, 1)]) @ cell)[:2]
        places.append([float(number) for number in matrix.T.ravel()])  # in the order of canvas.setTransform
    for name in regions:
        for direction in DIRECTIONS:
            maps[f"{name}/{direction}/{STAGES[-1]}"] = [
                cells(face.low_resolution_cam(name, direction)) for face in result.faces
            ]
    points = [[[round(float(x), 2), round(float(y), 2)] for x, y in face.keypoints] for face in result.faces]
    shown = str(region) if region in regions else "all"
    names = {name: label(f"region_{name}") for name in regions}
    found = {"what": shown, "grid": [columns, rows], "places": places, "maps": maps}
    return found | {"points": points, "names": names}


def cells(cam: np.ndarray) -> str:
    """A map (r, c) as JSON: rows of numbers with three decimals, finer than its 256 colours.

    As text: at each change of a status Gradio's front end copies a component's value, number by number.
    """
    return json.dumps(np.round(cam.astype(float), 3).tolist(), separators=(",", ":"))


def stage_maps(data: dict) -> dict:
    """For the browser: what the earlier stages say of a class, or of a region in a direction, {token, what, direction}
    → {maps: each place's map by stage} or {error}. One backward pass gives all stages."""
    try:
        result = result_cache.find(str(data["token"]))
        found = earlier_cams(result, str(data["what"]), str(data.get("direction")))
        places = [{stage: cells(shown_scale(cam)) for stage, cam in place.items()} for place in found]
        return {"maps": {stage: [place[stage] for place in places] for stage in EARLIER}}
    except Exception as error:
        return {"error": html.unescape(sentence(error))}


@singledispatch
def earlier_cams(result: results.Result, what: str, direction: str) -> list[dict[str, np.ndarray]]:
    """The maps of each place by stage."""
    raise NotImplementedError


@earlier_cams.register
def _(result: results.Prediction, what: str, direction: str) -> list[dict[str, np.ndarray]]:
    return [{stage: result.low_resolution_cam(int(what), stage) for stage in EARLIER}]


@earlier_cams.register
def _(result: results.FacesPrediction, what: str, direction: str) -> list[dict[str, np.ndarray]]:
    return [
        {stage: face.low_resolution_cam(what, direction, layer=stage) for stage in EARLIER} for face in result.faces
    ]


def shown_scale(cam: np.ndarray) -> np.ndarray:
    """A fine map, as it is shown: in few of its many cells it is so high that all others would look like nothing, so
    the largest hundredth of them is cut off."""
    largest = np.percentile(np.abs(cam), 99)
    return np.clip(cam / largest, -1, 1) if largest > 0 else cam


def spreads(data: dict) -> dict:
    """For the browser: how steady the points of each face are, {token} → {spread} in the photo's pixels, or {error}."""
    try:
        found = steadiness(result_cache.find(str(data["token"])))
        return {"spread": [[round(float(value), 2) for value in face] for face in found]}
    except Exception as error:
        return {"error": html.unescape(sentence(error))}


@singledispatch
def steadiness(result: results.Result) -> list[np.ndarray]:
    """The points' spread of each face; there are none of classes."""
    return []


@steadiness.register
def _(result: results.FacesPrediction) -> list[np.ndarray]:
    return [face.spread() for face in result.faces]


def heat_file(data: dict) -> dict:
    """For the browser: the map on screen as a file of numpy, {token, what, stage, direction} → {url} or {error}.

    float32 (rows, columns) at the shown photo's size, 0..1, or −1..1 for a direction; as ``cam()`` gives it.
    """
    try:
        result = result_cache.find(str(data["token"]))
        width, height = shown_size(*result.photo.size)
        cam = shown_cam(result, str(data["what"]), str(data["stage"]), str(data.get("direction")), (height, width))
        path = cache_file("heat", ".npy")
        np.save(path, cam.astype(np.float32))
        return {"url": address(path)}
    except Exception as error:
        return {"error": html.unescape(sentence(error))}


@singledispatch
def shown_cam(result: results.Result, what: str, stage: str, direction: str, size: tuple[int, int]) -> np.ndarray:
    """The map on screen: of a class, or of a region in a direction, at a stage."""
    raise NotImplementedError


@shown_cam.register
def _(result: results.Prediction, what: str, stage: str, direction: str, size: tuple[int, int]) -> np.ndarray:
    return result.cam(int(what), stage, size)


@shown_cam.register
def _(result: results.FacesPrediction, what: str, stage: str, direction: str, size: tuple[int, int]) -> np.ndarray:
    return result.cam(what, size, direction, layer=stage)
