"""The tab Faces: 68 keypoints on every face, and which part of the photo moves them."""

from __future__ import annotations

import html

import gradio as gr

from resnet_demo import predictor, render, tasks
from resnet_demo.page import choices, showable
from resnet_demo.page.answers import check_photo, check_weights, complain, endpoint, facts, record
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
)
from resnet_demo.page.examples import FACES
from resnet_demo.page.strings import label, say


def keypoints(image: str, depth: int, region: str) -> tuple[str, str, dict]:
    """Mark 68 keypoints on every face of a photo and show which part of it moves those of a region (Grad-CAM).

    Args:
        image: the photo: JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC, at most 50 megapixels.
        depth: layers of the ResNet: 18, 34, 50, 101 or 152, as far as it has weights.
        region: the points to explain: all, jaw, brows, nose, eyes or mouth.

    Returns:
        The photo with the points on it, the photo with a heat map over it, and the details as JSON: for each face its
        box, score and 68 points in the photo's pixels, largest face first. A photo without a face has none.
    """
    found = predict(image, depth, region)
    return points(found), heat(found, region), record(found)


def predict(image: str, depth: int, region: str) -> predictor.FacesPrediction:
    """The faces of an uploaded photo.

    Raises:
        UserError: no usable photo, weights or region.
    """
    check_photo(image)
    check_weights(choices.FACES, depth)
    tasks.region_points(region)
    return predictor.load(choices.FACES, depth)(image)


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
    faces = say("faces_one") if count == 1 else say("faces_many", count=count)
    return note(faces, say("faces_region", region=label(f"region_{region}").lower()), facts=facts(found))


def tab() -> None:
    """Build the tab inside the page that is being built."""
    with gr.Row(elem_classes=["columns"]):
        with gr.Column(min_width=300):
            photo = photo_input("faces-photo")
            example_photos(FACES, photo, "credits_faces", "faces-examples")
            run = gr.Button(label("run"), variant="primary", elem_id="faces-run")
        with gr.Column(min_width=300):
            marked = picture_output("keypoints", "faces-keypoints")
            with gr.Group(elem_classes=["controls"]):
                depth = depth_input(choices.FACES, "faces-depth")
                region = region_input("faces-region")
        with gr.Column(min_width=300):
            overlay = picture_output("face_cam", "faces-overlay")
            words_line = note_output("hint_faces", "faces-note")
            details = details_output("faces-details")

    inputs = [photo, depth, region]
    results = [marked, overlay, details]
    gr.Button(visible=False).click(endpoint(keypoints), inputs, results, api_name="keypoints", **LISTENER)

    def show(image, depth_number, region_name):
        """The page's answer to a changed control: trouble is said in words, and what is on screen stays."""
        if not image:
            return {words_line: note(label("hint_faces"))}
        try:
            found = predict(image, depth_number, region_name)
            return {
                marked: points(found),
                overlay: heat(found, region_name),
                details: record(found),
                words_line: words(found, region_name),
            }
        except Exception as error:
            return {words_line: complain(error)}

    def show_photo(image, *controls):
        """The page's answer to another photo: nothing of the photo before it stays."""
        if image and (copy := showable.jpeg_of(image)):
            return {photo: copy}  # This changes the photo, which comes back here.
        return {marked: None, overlay: None, details: None, **show(image, *controls)}

    def show_depth(image, depth_number, region_name):
        """The page's answer to another depth: a sentence and the depth that works, where it has no weights."""
        if depth_number in choices.available(choices.FACES):
            return show(image, depth_number, region_name)
        sentence = choices.no_weights(choices.FACES, depth_number)
        gr.Info(html.escape(sentence), title=label("notice"))
        return {depth: choices.default_depth(choices.FACES), words_line: note(html.escape(sentence), alert=True)}

    quiet = {"show_progress": "minimal", "show_progress_on": [marked, overlay], **PRIVATE}
    everything = [*results, words_line]
    photo.change(show_photo, inputs, [photo, *everything], **quiet)
    depth.input(show_depth, inputs, [depth, *everything], **quiet)
    gr.on([region.input, run.click], show, inputs, everything, **quiet)
