"""What runs in this thread: the request of a visitor's event, and whether a page is being built.

Seen in Gradio 6.31: ``gradio.context.LocalContext.request`` and ``Context.root_block``. The documented way, a parameter
of the type ``gr.Request``, would have to go through every function down to the one that says a sentence.

Both answer without importing Gradio: where nobody has, there is no event and no page.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping


def headers() -> Mapping[str, str] | None:
    """The headers of the running event's request, names in lower case; None where no event runs."""
    gradio = sys.modules.get("gradio.context")
    if gradio is None:
        return None
    from resnet_demo.page.gradio_patches.reach import inside

    request = inside(gradio, "LocalContext", __name__).request.get(None)
    return None if request is None else {name.lower(): value for name, value in dict(request.headers).items()}


def building() -> bool:
    """Whether a page is being built."""
    gradio = sys.modules.get("gradio.context")
    if gradio is None:
        return False
    from resnet_demo.page.gradio_patches.reach import inside

    return inside(inside(gradio, "Context", __name__), "root_block", __name__) is not None
