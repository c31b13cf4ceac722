"""What Gradio raises for an endpoint that there is not.

Gradio 6.31 answers it with status 500, as if something had broken.
"""

from __future__ import annotations

from gradio import route_utils

from resnet_demo.page.gradio_patches.reach import inside

_error = inside(route_utils, "FnIndexInferError", __name__)


def names_no_endpoint(error: Exception) -> bool:
    """Whether a request asked for an endpoint that the page does not have."""
    return isinstance(error, _error)
