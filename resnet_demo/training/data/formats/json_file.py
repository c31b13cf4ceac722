"""JSON of annotation tools."""

from __future__ import annotations

import json
from pathlib import Path

from resnet_demo.errors import UserError


def read_json(path: Path) -> dict:
    """The object in a JSON file.

    Raises:
        UserError: it cannot be read, or is no object.
    """
    try:
        record = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({(error.strerror or str(error)).lower()}): check the file.") from None
    except ValueError:
        raise UserError(f"{path} is no whole JSON file: export it anew.") from None
    if not isinstance(record, dict):
        raise UserError(f"{path} holds no JSON object: export it anew.")
    return record
