"""A camera's photo → the finished picture with its heat map, from JPEG file to JPEG file."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from resnet_demo.bench import results
from resnet_demo.bench.comparison import Entry, compare
from resnet_demo.bench.harness import photos
from resnet_demo.bench.peers import cam_packages, install, networks
from resnet_demo.bench.settings import Settings
from resnet_demo.checkpoints import Checkpoint
from resnet_demo.images import overlay as image_overlay
from resnet_demo.images.decode import open_photo
from resnet_demo.inference.classifier import Classifier
from resnet_demo.page.widgets.heat import with_heat

# The page's DISPLAY_SIDE, of the finished picture, and DRAFT_SIDE, which cannot be imported without Gradio.
SIDE, DRAFT = 1280, 960
WHAT = "photo of {megapixels:.0f} megapixels to overlay, ResNet-{depth}"
EXPLANATION = """
From the bytes of a JPEG of {width} × {height} pixels ({megabytes:.1f} MB) to the bytes of a JPEG of {across} × {down}
with the photo and its heat map, on the CPU: decoding, preparing, ResNet-{depth} at {size} px, map, colours, encoding
with quality {quality} for all, and below the steps of ours one by one. Turns of each way: {rounds}, {seconds:g} s or
one photo at least, after a photo of each to warm up.
"""


def measure(settings: Settings, depth: int = 50, camera: tuple[int, int] = photos.CAMERA) -> list[dict]:
    """Print a table and return its rows for JSON.

    Args:
        camera: width and height of the photo.

    Raises:
        UserError: there is no checkpoint of an ImageNet ResNet-50 here.
    """
    checkpoint = networks.checkpoint_of("imagenet1k", depth)
    file = photos.camera_photo(camera)
    across, down = image_overlay.fit_within(Image.new("L", camera), SIDE).size
    print(
        EXPLANATION.format(
            width=camera[0],
            height=camera[1],
            megabytes=len(file) / 1e6,
            across=across,
            down=down,
            depth=depth,
            size=checkpoint.spec.size,
            quality=photos.QUALITY,
            rounds=settings.rounds,
            seconds=settings.seconds,
        ),
        flush=True,
    )
    entries = [
        Entry("ours, as the page does it", lambda: ours(checkpoint, file), ours=True),
        Entry(
            "Pillow, torchvision, pytorch-grad-cam",
            lambda: theirs(checkpoint, file, (across, down)),
            target_ratio=10,
            note="eager float32",
        ),
    ]
    what = WHAT.format(megapixels=camera[0] * camera[1] / 1e6, depth=depth)
    table = compare(what, entries, settings.rounds, settings.seconds)
    table += compare(f"{what}: its parts", parts(checkpoint, file), settings.rounds, settings.seconds)
    print(results.table(table), flush=True)
    return results.to_dicts(table)


def ours(checkpoint: Checkpoint, file: bytes) -> Callable[[], bytes]:
    """The steps of the page's tab Classify."""
    predict = Classifier(checkpoint.spec.name, checkpoint.depth, "cpu", checkpoint=checkpoint)
    return lambda: overlay(predict(file, draft_side=DRAFT))


def overlay(prediction) -> bytes:
    """The finished picture of a prediction, as ``page.tabs.classify.heat`` makes it."""
    photo = image_overlay.fit_within(prediction.photo, SIDE)
    return image_overlay.encode_jpeg(heated(prediction, photo), photos.QUALITY)


def heated(prediction, photo: Image.Image) -> Image.Image:
    """The prediction's photo, scaled to ``photo``, with its heat."""
    window = prediction.window.scaled(photo.width / prediction.photo.width, photo.height / prediction.photo.height)
    return with_heat(photo, prediction.low_resolution_cam(), window)


def parts(checkpoint: Checkpoint, file: bytes) -> list[Entry]:
    """The steps of ours, one by one."""
    predict = Classifier(checkpoint.spec.name, checkpoint.depth, "cpu", checkpoint=checkpoint)
    photo = open_photo(file, draft_side=DRAFT)
    prediction, scaled = predict(photo), image_overlay.fit_within(photo, SIDE)
    finished, size = heated(prediction, scaled), f"at {photo.width} × {photo.height}"
    return [
        Entry("decoding", lambda: partial(open_photo, file, draft_side=DRAFT), note=size),
        Entry("the network, with preparing for it", lambda: partial(predict, photo)),
        Entry("scaling", lambda: partial(image_overlay.fit_within, photo, SIDE)),
        Entry("the map and its colours", lambda: partial(heated, prediction, scaled)),
        Entry("encoding", lambda: partial(image_overlay.encode_jpeg, finished, photos.QUALITY)),
    ]


def theirs(checkpoint: Checkpoint, file: bytes, size: tuple[int, int]) -> Callable[[], bytes]:
    """What the documentation of pytorch-grad-cam and torchvision suggests; the network sees the whole photo.

    Args:
        size: width and height of the finished picture.

    Raises:
        Missing: pytorch-grad-cam cannot be installed.
    """
    from torchvision import transforms

    spec = checkpoint.spec
    explain = cam_packages.pytorch_grad_cam(networks.torchvision_network(checkpoint))
    images = install.load("pytorch-grad-cam", "pytorch_grad_cam.utils.image")
    prepare = transforms.Compose(
        [
            transforms.Resize((spec.size, spec.size)),
            transforms.ToTensor(),
            transforms.Normalize(spec.mean, spec.std),
        ]
    )

    def run() -> bytes:
        photo = Image.open(io.BytesIO(file)).convert("RGB")
        _, heat = explain(prepare(photo)[None])
        small = np.asarray(photo.resize(size), np.float32) / 255
        heat = images.scale_cam_image(heat[None], size)[0]
        finished = Image.fromarray(images.show_cam_on_image(small, heat, use_rgb=True))
        buffer = io.BytesIO()
        finished.save(buffer, "JPEG", quality=photos.QUALITY)
        return buffer.getvalue()

    return run
