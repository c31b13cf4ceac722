"""Every text of the page, in one place. English now; another language is another table with the same keys.

``label`` is for texts that are fixed when the page is built (Gradio can translate those in the browser), ``say`` for
sentences made while it runs.
"""

from __future__ import annotations

EN = {
    # The frame
    "title": "What a ResNet sees",
    "tagline": "Name a flower, mark a face, and see which part of the photo decided.",
    "getting_ready": "Getting the networks ready …",
    "running_on": "Running on {device} · {engine}",
    "no_index": "No weights are installed",
    "tab_flowers": "Flowers",
    "tab_faces": "Faces",
    "tab_compare": "Compare",
    # Tasks and regions
    "task_flowers102": "102 flowers",
    "task_flowers5": "5 flowers",
    "task_faces68": "Face keypoints",
    "task_imagenet1k": "ImageNet-1k",
    "region_all": "Whole face",
    "region_jaw": "Jaw",
    "region_brows": "Brows",
    "region_nose": "Nose",
    "region_eyes": "Eyes",
    "region_mouth": "Mouth",
    # Inputs
    "photo": "Your photo",
    "photo_hint": "Drop a photo here\nor click to choose one",
    "examples": "Or try one of these",
    "credits_flowers": (
        'Photos: <a href="https://www.flickr.com/photos/vultilion/6056698931/" target="_blank" rel="noreferrer">'
        "vultilion</a> (CC BY 2.0), Charles Barbin (GPL 2+)"
    ),
    "credits_faces": "Photos: Pete Souza, White House; NASA (public domain)",
    "credits_compare": (
        'Photos: <a href="https://www.flickr.com/photos/vultilion/6056698931/" target="_blank" rel="noreferrer">'
        "vultilion</a> (CC BY 2.0), Charles Barbin (GPL 2+), Pete Souza, White House (public domain)"
    ),
    "task": "Task",
    "depth": "Depth of the ResNet",
    "depths": "Depths to compare",
    "depths_all": "More layers see more, and take longer.",
    "depths_missing": "No weights yet for {depths}.",
    "depths_none": "No weights yet for any depth.",
    "depths_download": "Downloaded when first used: {depths}.",
    "downloading": "Downloading ResNet-{depth}",
    "top_k": "How many classes",
    "target": "Heat for",
    "target_top": "Top class",
    "region": "Which points to explain",
    "run": "Look again",
    "compare": "Compare",
    # Outputs
    "classes": "Most likely",
    "overlay": "Where it looked",
    "keypoints": "Keypoints",
    "face_cam": "Where it looked for them",
    "details": "Details as JSON",
    "gallery": "Where each depth looked",
    "table": "Side by side",
    "column_depth": "Depth",
    "column_label": "Top label",
    "column_probability": "Probability",
    "column_milliseconds": "Time (ms)",
    "column_parameters": "Params (M)",
    "column_gflops": "GFLOPs",
    "column_metric": "Test metric",
    # Sentences
    "hint_classes": "Choose a photo: its most likely classes appear here. Click one to see what speaks for it.",
    "hint_faces": "Choose a photo with one or more faces: each gets its 68 points.",
    "hint_points": "Choose a photo: its keypoints appear on it.",
    "hint_compare": "Choose a photo: every depth names it and shows where it looked.",
    "facts": "ResNet-{depth} · {milliseconds} ms · {backend}",
    "heat_for": "Heat for <b>{label}</b> ({probability}). Click another class to see what speaks for it.",
    "dimmed": "The darker border lies outside what the network sees.",
    "faces_none": (
        "No face found in this photo. Try one where a face is larger, brighter or turned more to the camera."
    ),
    "faces_one": "<b>1 face</b>, {points} points.",
    "faces_many": "<b>{count} faces</b>, {points} points each.",
    "faces_region": "Red marks what moved these points most: {region}.",
    "points_many": "<b>{count} points</b>.",
    "points_heat": "Red marks what moved them most.",
    "points_short": "{count} points",
    "caption": "ResNet-{depth} · {label}",
    "compared": "{count} depths, one photo.",
    "compared_one": "One depth has weights so far. More appear here as they are trained.",
    "compared_alone": "Tick more depths to compare them.",
    "faces_short": "{count} faces",
    "face_short": "1 face",
    "no_weights": "There is no ResNet-{depth} for {task} yet, its weights are still to be trained. Choose {depths}.",
    "no_weights_at_all": "There are no weights for {task} yet. Train some with `python -m resnet_demo train`.",
    "no_photo": "Choose a photo first.",
    "no_depth": "Choose at least one depth.",
    "bad_depth": "{depth} is no depth of a ResNet here. Choose 18, 34, 50, 101 or 152.",
    "bad_top_k": "The number of classes must be a whole number from 1 to 10.",
    "not_classes": "{task} names no classes. Use the Faces tab or the endpoint /keypoints for it.",
    "not_points": "{task} has no keypoints. Use the Flowers tab or the endpoint /classify for it.",
    "photo_gone": "This photo is no longer on the server. Choose it again.",
    "unexpected": "Something went wrong on the server, and its log says what. Try again or choose another photo.",
    "notice": "Please note",
    # Metrics
    "metric_top1": "{value} % top-1",
    "metric_nme": "NME {value} % ({source})",
    "metric_nme_plain": "NME {value} %",
    "metric_none": "not measured yet",
    # The terminal
    "serving": "The page is on http://{host}:{port}",
    "port_bad": "PORT must be a number from 1 to 65535, not {port!r}.",
    "port_taken": "Port {port} is taken: stop what uses it, or choose another, such as PORT=7861.",
    "port_refused": "The page cannot listen on {host}, port {port}: choose another with HOST and PORT.",
}


def label(key: str) -> str:
    """The fixed text of a part of the page."""
    return EN[key]


def say(key: str, **values: object) -> str:
    """A sentence, with its values filled in."""
    return EN[key].format(**values) if values else EN[key]
