"""Programs that are run to their end."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from resnet_demo.errors import UserError


def output_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """What a Python program printed.

    Args:
        command: the interpreter, a switch, what is run, and its arguments.
        environment: None: this one's.

    Raises:
        UserError: it failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise UserError(f"{Path(command[2]).name} failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    return done.stdout
