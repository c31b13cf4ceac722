"""The tab Faces: keypoints on every face, or of the whole photo, and which part of it moves them."""

from __future__ import annotations

import gradio as gr

from resnet_demo import predictor, render, tasks
from resnet_demo.errors import UserError
from resnet_demo.page import choices, loading
from resnet_demo.page.answers import check_photo, check_weights, endpoint, facts, record
from resnet_demo.page.components import (
    DISPLAY_SIDE,
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
from resnet_demo.page.examples import FACES
from resnet_demo.page.reactions import Reactions
from resnet_demo.page.strings import label, say


def keypoints(image: str, depth: int, region: str, task: str = choices.FACES) -> tuple[str, str, dict]:
    """Mark 68 keypoints on every face of a photo and show which part of it moves those of a region (Grad-CAM).

    Args:
        image: the photo: JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC, at most 50 megapixels.
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


def predict(image: str, depth: int, region: str, task: str = choices.FACES) -> predictor.FacesPrediction:
    """The faces of an uploaded photo.

    Raises:
        UserError: no usable photo, task, weights or region.
    """
    check_photo(image)
    check_weights(task, depth)
    network = loading.network(task, depth)
    if network.spec.kind != tasks.KEYPOINTS:
        raise UserError(say("not_points", task=choices.title(task)))
    tasks.region_points(region, network.spec.points)
    return network(image)


def points(found: predictor.FacesPrediction) -> str:
    """The photo at its own resolution with the keypoints on it → the path of its JPEG."""
    faces = found.faces
    drawn = render.draw_faces(found.photo, [face.keypoints for face in faces]) if faces else found.photo
    return jpeg(drawn, "keypoints", quality=92)


def heat(found: predictor.FacesPrediction, region: str) -> str:
    """The photo at display size with the heat of a region over it → the path of its JPEG."""
    photo = render.fit_within(found.photo, DISPLAY_SIDE)
    if found.faces:
        photo = render.overlay(photo, found.cam(region, size=(photo.height, photo.width)))
    return jpeg(photo, "heat")


def words(found: predictor.FacesPrediction, region: str) -> str:
    """What came out, for the line under the pictures."""
    count = len(found.faces)
    if not count:
        return note(say("faces_none"), facts=facts(found))
    number = len(found.faces[0].keypoints)
    if not choices.finds_faces(found.task):
        what = say("points_many", count=number)
    else:
        what = say("faces_one", points=number) if count == 1 else say("faces_many", count=count, points=number)
    regions = choices.has_regions(found.task)
    moved = say("faces_region", region=label(f"region_{region}").lower()) if regions else say("points_heat")
    return note(what, moved, facts=facts(found))


def tab() -> None:
    """Build the tab inside the page that is being built."""
    hint = "hint_faces" if len(choices.task_choices(tasks.KEYPOINTS)) == 1 else "hint_points"
    with gr.Row(elem_classes=["columns"]):
        with gr.Column(min_width=300):
            photo = photo_input("faces-photo")
            example_photos(FACES, photo, "credits_faces", "faces-examples")
            run = gr.Button(label("run"), variant="primary", elem_id="faces-run")
        with gr.Column(min_width=300):
            marked = picture_output("keypoints", "faces-keypoints")
            with gr.Group(elem_classes=["controls"]):
                task = task_input("faces-task", choices.FACES, tasks.KEYPOINTS)
                depth = depth_input(choices.FACES, "faces-depth")
                region = region_input("faces-region")
        with gr.Column(min_width=300):
            overlay = picture_output("face_cam", "faces-overlay")
            words_line = note_output(hint, "faces-note")
            details = details_output("faces-details")

    inputs = [photo, task, depth, region]
    results = [marked, overlay, details]
    order = [photo, depth, region, task]
    gr.Button(visible=False).click(endpoint(keypoints), order, results, api_name="keypoints", **LISTENER)

    def answer(image, task_name, depth_number, region_name):
        found = predict(image, depth_number, region_name, task_name)
        return {
            marked: points(found),
            overlay: heat(found, region_name),
            details: record(found),
            words_line: words(found, region_name),
        }

    react = Reactions(answer, photo, depth, words_line, hint, dict.fromkeys(results))

    def show_task(image, task_name, depth_number):
        """The page's answer to another task: its depths, and no regions where its points have none."""
        regions = gr.update(value="all", visible=choices.has_regions(task_name))
        return {region: regions, **react.show_task(image, task_name, depth_number, "all")}

    quiet = {"show_progress": "minimal", "show_progress_on": [marked, overlay], **PRIVATE}
    everything = [*results, words_line]
    photo.change(react.show_photo, inputs, [photo, *everything], **quiet)
    task.input(show_task, inputs[:3], [depth, region, *everything], **quiet)
    depth.input(react.show_depth, [*inputs, details], [depth, *everything], **quiet)
    gr.on([region.input, run.click], react.show, inputs, everything, **quiet)
