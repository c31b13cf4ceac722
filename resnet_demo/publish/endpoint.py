"""What makes a repository of weights an Inference Endpoint: ``handler.py``, its requirements and the code it needs.

Sources: https://huggingface.co/docs/inference-endpoints/guides/custom_handler and the server's own
``check_and_register_custom_pipeline_from_directory`` (huggingface/huggingface-inference-toolkit, ``utils.py``).
"""

from __future__ import annotations

import re
from pathlib import Path

from resnet_demo.errors import UserError
from resnet_demo.publish.files import File, files_of

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = "requirements.txt"
HANDLER = b'''\
"""What Hugging Face's Inference Endpoints call with each request. Sent by `resnet-demo publish --endpoint`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from resnet_demo.endpoint import EndpointHandler  # noqa: E402

__all__ = ["EndpointHandler"]
'''
# A prediction imports these; huggingface-hub is left to the server, whose own version it may need.
PACKAGES = ("numpy", "pillow", "pillow-heif", "openvino", "safetensors", "filelock", "tomli")
CODE = (
    *("__init__.py", "endpoint.py", "errors.py", "version.py"),
    *("backends/", "checkpoints/", "explain/", "faces/", "images/", "inference/", "models/", "tasks/", "utils/"),
)


def endpoint_files() -> list[File]:
    """All files that are added to the weights.

    Raises:
        UserError: this is no clone of the repository.
    """
    listed = ROOT / REQUIREMENTS
    if not listed.is_file():
        raise UserError(f"{listed} is missing: run this in a clone of the repository.")
    lines = [line for line in listed.read_text("utf-8").splitlines() if re.split(r"[<>=\[; ]", line)[0] in PACKAGES]
    package = ROOT / "resnet_demo"
    code = [file for file in files_of(package) if file.path.startswith(CODE)]
    return [
        File("handler.py", HANDLER),
        File(REQUIREMENTS, ("\n".join(lines) + "\n").encode()),
        *(File(f"{package.name}/{file.path}", file.source) for file in code),
    ]
