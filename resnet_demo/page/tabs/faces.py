"""The tab Faces: keypoints on every face, or of the whole photo, and which part of it moves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from resnet_demo import tasks
from resnet_demo.errors import UserError
from resnet_demo.images import draw_landmarks
from resnet_demo.images import overlay as image_overlay
from resnet_demo.inference import results
from resnet_demo.inference.landmarks import LandmarkPredictor
from resnet_demo.page import catalog, networks, restore
from resnet_demo.page.endpoints import check_photo, check_weights, endpoint, facts, photo_lines, record
from resnet_demo.page.events import Events
from resnet_demo.page.i18n.texts import label, say
from resnet_demo.page.tabs.registry import tab
from resnet_demo.page.widgets.examples import FACES
from resnet_demo.page.widgets.inputs import (
    DISPLAY_SIDE,
    LATEST,
    LISTENER,
    PRIVATE,
    depth_input,
    details_output,
    example_photos,
    jpeg,
    note,
    note_output,
    photo_input,
    picture_output,
    region_input,
    task_input,
)
from resnet_demo.page.widgets.viewer import blank as no_view
from resnet_demo.page.widgets.viewer import view_of, viewer

SHOW_REGION = """(region) => {
  document.dispatchEvent(new CustomEvent("resnet:show", {detail: {viewer: "faces-overlay", what: region}}));
}"""


def keypoints(image: str, depth: int, region: str, task: str = catalog.FACES) -> tuple[str, str, dict]:
    """Mark 68 keypoints on every face of a photo and show which part of it moves those of a region (Grad-CAM).

    Args:
        image: the photo, as an uploaded file, a public http(s) address or a data URL (data:image/jpeg;base64,…): JPEG,
            PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC, at most 50 megapixels (JPEG: 200).
        depth: layers of the ResNet: 18, 34, 50, 101 or 152, as far as it has weights.
        region: the points to explain: all, jaw, brows, nose, eyes or mouth.
        task: faces68, or a task with keypoints of your own pictures; it may be left out.

    Returns:
        The photo with the points on it, the photo with a heat map over it, and the details as JSON: for each face its
        box, score and 68 points in the photo's pixels, largest face first. A photo without a face has none. For a task
        of your own pictures the whole photo counts as one face, with as many points as the task has.
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
        photo = image_overlay.overlay(photo, found.cam(region, size=(photo.height, photo.width)))
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
    return note(what, say("points_heat"), *photo_lines(found), facts=facts(found))


def restored(values: Mapping[str, object]) -> dict[str, Any]:
    """Kept values → updates of the controls."""
    found = restore.task_and_depths(values, catalog.FACES, tasks.KEYPOINTS)
    if values.get("region") in catalog.REGIONS:
        found["region"] = {**gr.update(value=values["region"]), **found.get("region", {})}
    return found


@tab("faces", restore=restored, derived=("last_task",))
def build() -> dict[str, Component]:
    """Build the tab inside the page that is being built → its controls by name."""
    hint = "hint_faces" if len(catalog.task_choices(tasks.KEYPOINTS)) == 1 else "hint_points"
    with gr.Row(elem_classes=["columns"]):
        with gr.Column(min_width=300):
            photo = photo_input("faces-photo")
            example_photos(FACES, photo, "credits_faces", "faces-examples")
            run = gr.Button(label("run"), variant="primary", elem_id="faces-run")
        with gr.Column(min_width=300):
            marked = picture_output("keypoints", "faces-keypoints")
            with gr.Group(elem_classes=["controls"]):
                task = task_input("faces-task", catalog.FACES, tasks.KEYPOINTS)
                depth = depth_input(catalog.FACES, "faces-depth")
                region = region_input("faces-region")
        with gr.Column(min_width=300):
            view = viewer("faces-overlay", "regions")
            words_line = note_output(hint, "faces-note")
            details = details_output("faces-details")

    inputs = [photo, task, depth, region]
    overlay = picture_output("face_cam", visible=False)
    order = [photo, depth, region, task]
    gr.Button(visible=False).click(
        endpoint(keypoints), order, [marked, overlay, details], api_name="keypoints", **LISTENER
    )

    def answer(image, task_name, depth_number, region_name):
        found = predict(image, depth_number, region_name, task_name)
        return {
            marked: points(found),
            view: view_of(found, region_name) if found.faces else no_view(),
            details: record(found),
            words_line: words(found),
        }

    react = Events(answer, photo, depth, words_line, hint, {marked: None, view: no_view, details: None})

    last_task = gr.State(catalog.FACES)  # see ``events``

    def show_task(image, task_name, depth_number, before):
        """The page's answer to another task: its depths, and no regions where its points have none."""
        if task_name == before:
            return gr.skip()
        regions = gr.update(value="all", visible=catalog.has_regions(task_name))
        return {region: regions, last_task: task_name, **react.show_task(image, task_name, depth_number, "all")}

    quiet: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": [marked, view], **PRIVATE}
    everything = [marked, view, details, words_line]
    photo.change(react.show_photo, inputs, [photo, *everything], **quiet)
    task.input(show_task, [*inputs[:3], last_task], [depth, region, last_task, *everything], **quiet, **LATEST)
    depth.input(react.show_depth, [*inputs, details], [depth, *everything], **quiet, **LATEST)
    run.click(react.show, inputs, everything, **quiet)
    region.input(None, [region], None, js=SHOW_REGION, **PRIVATE)  # The browser has every region's maps.
    return {"task": task, "depth": depth, "region": region, "last_task": last_task}
