"""What a task is: labels, input size, normalisation, head width, preprocessing and decoding.

One ``TaskSpec`` travels with each checkpoint (its ``config.json``), so pictures are always prepared as they were
in training, also for tasks that people train on their own pictures.

Published model cards import from here, so these names stay.
"""

from resnet_demo.tasks.bundled import BUNDLED, TITLES, in_order
from resnet_demo.tasks.decode import check_top_k, class_index, decode_classes, decode_keypoints, softmax
from resnet_demo.tasks.landmarks import REGIONS, region_points
from resnet_demo.tasks.preprocess import CropBox, crop_box, end_boxes, normalise, preprocess
from resnet_demo.tasks.spec import CLASSIFICATION, IMAGENET_MEAN, IMAGENET_STD, KEYPOINTS, REGRESSION, TaskSpec

__all__ = [
    "BUNDLED",
    "CLASSIFICATION",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "KEYPOINTS",
    "REGIONS",
    "REGRESSION",
    "TITLES",
    "CropBox",
    "TaskSpec",
    "check_top_k",
    "class_index",
    "crop_box",
    "decode_classes",
    "decode_keypoints",
    "end_boxes",
    "in_order",
    "normalise",
    "preprocess",
    "region_points",
    "softmax",
]
