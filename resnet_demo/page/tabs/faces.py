"""The tab Faces: keypoints on every face, or of the whole photo, and which part of it moves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from resnet_demo import tasks
from resnet_demo.errors import UserError
from resnet_demo.faces.pose import Pose
from resnet_demo.images import draw_landmarks
from resnet_demo.images import overlay as image_overlay
from resnet_demo.inference import results
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.page import catalog, example_answers, networks, restore
from resnet_demo.page.endpoints import check_photo, check_weights, endpoint, facts, photo_lines, record
from resnet_demo.page.events import Form, Listener, connect
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.result_cache import light
from resnet_demo.page.tabs.registry import tab
from resnet_demo.page.widgets.examples import FACES
from resnet_demo.page.widgets.heat import with_heat
from resnet_demo.page.widgets.inputs import (
    DISPLAY_SIDE,
    LISTENER,
    PRIVATE,
    asking_row,
    depth_input,
    details_output,
    jpeg,
    note,
    note_output,
    picture_output,
    program_photo,
    region_input,
    retry_button,
    task_input,
)
from resnet_demo.page.widgets.photo import photo_credits, photo_input
from resnet_demo.page.widgets.viewer import blank as no_view
from resnet_demo.page.widgets.viewer import view_of, viewer

MOST_POSES = 4  # faces whose pose is said in words

SHOW_REGION = """(region) => {
  document.dispatchEvent(new CustomEvent("resnet:show", {detail: {viewer: "faces-overlay", what: region}}));
}"""


def keypoints(image: str, depth: int, region: str, task: str = catalog.FACES) -> tuple[str, str, dict]:
    """Mark 68 keypoints on every face of a photo and show which part of it moves those of a region (Grad-CAM).

    Args:
        image: the photo, as an uploaded file, a public http(s) address or a data URL (data:image/jpeg;base64,…): JPEG,
            PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC, at most 50 megapixels (JPEG: 200).
        depth: layers of the network: 18, 34, 50, 101 or 152, or another depth of a task of your own, as far as it has
            weights.
        region: the points to explain: all, jaw, brows, nose, eyes or mouth.
        task: faces68, or a task with keypoints of your own pictures; it may be left out.

    Returns:
        The photo with the points on it, the photo with a heat map over it, and the details as JSON: for each face its
        box, score, 68 points in the photo's pixels and how the head is turned in degrees, largest face first. A photo
        without a face has none. For a task of your own pictures the whole photo counts as one face, with as many points
        as the task has, and no turn.
    """
    found = predict(image, depth, region, task)
    return points(found), heat(found, region), record(found)


def predict(image: str, depth: int, region: str, task: str = catalog.FACES) -> results.FacesPrediction:
    """The faces of an uploaded photo.

    Raises:
        UserError: no usable photo, task, weights or region.
    """
    check_photo(image)
    check_weights(task, depth)
    network = networks.network(task, depth)
    if network.spec.kind != tasks.KEYPOINTS:
        raise UserError(say("not_points", task=catalog.title(task)))
    tasks.region_points(region, network.spec.points)
    return network.as_a(LandmarkPredictor)(image)


def points(found: results.FacesPrediction) -> str:
    """The photo at its own resolution with the keypoints on it → the path of its JPEG."""
    faces = found.faces
    drawn = draw_landmarks.draw_faces(found.photo, [face.keypoints for face in faces]) if faces else found.photo
    return jpeg(drawn, "keypoints", quality=92)


def heat(found: results.FacesPrediction, region: str) -> str:
    """The photo at display size with the heat of a region over it → the path of its JPEG."""
    photo = image_overlay.fit_within(found.photo, DISPLAY_SIDE)
    if found.faces:
        photo = with_heat(photo, found.cam(region, size=(photo.height, photo.width)))
    return jpeg(photo, "heat")


def words(found: results.FacesPrediction) -> str:
    """What came out, for the line under the pictures."""
    count = len(found.faces)
    if not count:
        return note(say("faces_none"), *photo_lines(found), facts=facts(found))
    number = len(found.faces[0].keypoints)
    if not found.spec.detector:
        what = say("points_many", count=number)
    else:
        what = say("faces_one", points=number) if count == 1 else say("faces_many", count=count, points=number)
    return note(what, *poses(found), say("points_heat"), *photo_lines(found), facts=facts(found))


def poses(found: results.FacesPrediction) -> list[str]:
    """How the heads are turned, numbered as the viewer numbers them: from left to right."""
    order = sorted(found.faces, key=lambda face: face.keypoints[:, 0].min())
    said = [in_words(face.pose) for face in order[:MOST_POSES] if face.pose]
    return said if len(order) == 1 else [f"{number}. {line}" for number, line in enumerate(said, start=1)]


def in_words(pose: Pose) -> str:
    """A pose in whole degrees."""
    return say(
        "pose",
        yaw=round(abs(pose.yaw)),
        side=say("pose_right" if pose.yaw > 0 else "pose_left"),
        pitch=round(abs(pose.pitch)),
        height=say("pose_up" if pose.pitch > 0 else "pose_down"),
        roll=round(abs(pose.roll)),
        way=say("pose_clockwise" if pose.roll > 0 else "pose_anticlockwise"),
    )


@dataclass(frozen=True)
class Question:
    """What the tab is asked: a photo's path, and its controls."""

    photo: str | None
    task: str
    depth: int
    region: str


def answer(asked: Question) -> dict[str, Any]:
    """What the tab shows."""
    image = check_photo(asked.photo)
    found, token = example_answers.once(
        image, ("faces", asked.task, asked.depth), lambda: predict(image, asked.depth, asked.region, asked.task), light
    )
    return {"view": view_of(found, asked.region, token), "details": record(found), "line": words(found)}


def restored(values: Mapping[str, object]) -> dict[str, Any]:
    """Kept values → updates of the controls."""
    found = restore.task_and_depths(values, catalog.first_task(tasks.KEYPOINTS), tasks.KEYPOINTS)
    task = found.get("last_task") or catalog.first_task(tasks.KEYPOINTS)
    if values.get("region") in catalog.REGIONS and catalog.has_regions(task):
        found["region"] = {**gr.update(value=values["region"]), **found.get("region", {})}
    return found


@tab("faces", restore=restored, derived=("last_task",), shown=lambda: catalog.shows(tasks.KEYPOINTS))
def build() -> dict[str, Component]:
    """Build the tab inside the page that is being built → its controls by name."""
    hint = "hint_faces" if len(catalog.task_choices(tasks.KEYPOINTS)) == 1 else "hint_points"
    first = catalog.first_task(tasks.KEYPOINTS)
    with asking_row(tasks.KEYPOINTS):
        photo = photo_input("faces-photo", FACES, first, "faces-overlay")
        task = task_input("faces-task", first, tasks.KEYPOINTS)
        depth = depth_input(first, "faces-depth")
    with gr.Row(elem_classes=["columns", "answer"]):
        with gr.Column(min_width=300, scale=7):
            view = viewer("faces-overlay", "regions")
        with gr.Column(min_width=300, scale=5):
            region = region_input(first, "faces-region")
            line, retry = note_output(hint, "faces-note"), retry_button("faces-retry")
            details = details_output("faces-details")
    photo_credits("credits_faces")
    form = Form(
        Question,
        {"photo": photo, "task": task, "depth": depth, "region": region},
        shown={"view": view, "details": details, "line": line},
        empty={"view": no_view, "details": lambda: None},
        hint=hint,
        retry=retry,
        viewer="faces-overlay",
        of_task=lambda task: {"region": gr.update(value="all", visible=catalog.has_regions(task))},
    )
    connect(Listener(form, answer))
    region.input(None, [region], None, js=SHOW_REGION, **PRIVATE)  # The browser has every region's maps.
    for_programs([depth, region, task], details)
    return {"task": task, "depth": depth, "region": region, "last_task": form.last_task}


def for_programs(controls: list[Component], details: Component) -> None:
    """The endpoint, which returns what the contract says while the page may show more."""
    inputs = [program_photo(), *controls]
    outputs = [picture_output("keypoints"), picture_output("face_cam"), details]
    gr.Button(visible=False).click(endpoint(keypoints), inputs, outputs, api_name="keypoints", **LISTENER)
