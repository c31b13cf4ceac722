"""PyTorch, and what comes with it, fetched when a command first needs it.

`make run` leaves it out where there is no GPU, as predictions on a CPU do without it and it weighs gigabytes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from resnet_demo.utils.packages import EXTRAS

ROOT = Path(__file__).resolve().parents[2]
BROUGHT = "RESNET_DEMO_BROUGHT"  # in the environment of a command that was started again


def bring(package: str) -> bool:
    """Install a package that `make torch` brings, where this Python is the environment that make built for the clone.

    Returns:
        Whether it was installed, so that the command can be started again.
    """
    script, environment = ROOT / ".ci" / "environment", ROOT / ".venv"
    if EXTRAS.get(package, ("", ""))[1] != "make torch" or os.environ.get(BROUGHT):
        return False
    if not script.is_file() or Path(sys.prefix).resolve() != environment.resolve():
        return False
    print(f"This needs {package}, which is not installed yet, and fetches it now.", file=sys.stderr, flush=True)
    return subprocess.run([sys.executable, str(script), "torch"], stdout=sys.stderr).returncode == 0


def start_again() -> None:
    """Put the same command in this one's place, which has looked for its packages already."""
    os.environ[BROUGHT] = "1"
    os.execv(sys.executable, [sys.executable, "-m", "resnet_demo", *sys.argv[1:]])
