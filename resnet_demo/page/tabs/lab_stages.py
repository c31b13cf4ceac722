"""What a stage sees: its strongest channels as small pictures of the photo."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
from PIL import Image

from resnet_demo.images import overlay
from resnet_demo.inference import results
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.widgets.heat import COLOURS
from resnet_demo.page.widgets.inputs import address, jpeg

CHANNELS = 8  # of each stage
WIDTH = 168  # pixels of a small picture


def pictures(prediction: results.Prediction, out: Sequence[str]) -> str:
    """The strongest channels of each stage, those of the largest mean, as HTML; one pass without the blocks ``out``."""
    photo = overlay.fit_within(prediction.photo, WIDTH)
    window = prediction.window.scaled(photo.width / prediction.photo.width, photo.height / prediction.photo.height)
    dark = overlay.in_greys(photo)
    parts = []
    for stage, features in prediction.stages(*out).items():
        means = features.mean(axis=(1, 2))
        strongest = np.argsort(-means)[:CHANNELS]
        sheet = Image.new("RGB", (photo.width * len(strongest), photo.height))
        for place, channel in enumerate(strongest):
            cells = features[channel] / max(float(features[channel].max()), 1e-9)
            drawn = overlay.overlay(dark, cells, 0.92, COLOURS, window, proportional=False)
            sheet.paste(drawn, (place * photo.width, 0))
        parts.append(
            row(stage, features.shape, means, strongest, jpeg(sheet, "stages", 85), photo.width / photo.height)
        )
    return f'<div class="lab-seen">{"".join(parts)}</div>'


def row(stage: str, shape: tuple[int, ...], means: np.ndarray, strongest: np.ndarray, sheet: str, aspect: float) -> str:
    """A stage: its heading, and each channel as a part of the sheet of them all."""
    channels, rows, columns = shape
    cells = "".join(
        f'<li><span role="img" aria-label="{say("lab_channel", channel=channel)}" style="background-position:'
        f'{100 * place / max(1, len(strongest) - 1):.3f}% 0"></span>{channel} <small>{means[channel]:.2f}</small></li>'
        for place, channel in enumerate(map(int, strongest))
    )
    heading = say("lab_stage", stage=html.escape(stage), channels=channels, rows=rows, columns=columns)
    picture = html.escape(address(sheet), quote=True)
    return (
        f"<h3>{heading}</h3>"
        f"<ol style=\"--sheet:url('{picture}');--wide:{100 * len(strongest)}%;--aspect:{aspect:.4f}\">{cells}</ol>"
    )
