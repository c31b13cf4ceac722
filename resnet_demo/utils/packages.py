"""Packages that not every installation has: what to say where one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from resnet_demo.errors import UserError

# Package → the extra of pyproject.toml that brings it, and the make target.
EXTRAS = {
    "gradio": ("page", "make run"),
    "torch": ("torch", "make torch"),
    "torchvision": ("train", "make torch"),
    "tensorboard": ("train", "make torch"),
    "tqdm": ("train", "make torch"),
    "onnx": ("export", "make torch"),
    "usearch": ("search", "make run"),
    "pyarrow": ("batch", "make ray"),
    "ray": ("ray", "make ray"),
}


def has(package: str) -> bool:
    """Whether a package is installed; it is not imported for that."""
    # One that was installed since the start is found too: Python reads a folder again once its time has changed.
    # ``importlib.invalidate_caches`` would have every folder read again, at every question.
    return find_spec(package) is not None


def has_torch() -> bool:
    """Whether PyTorch is installed."""
    return has("torch")


def need(package: str) -> None:
    """Raise a UserError where one of ``EXTRAS`` is not installed; its sentence says how to get it."""
    if not has(package):
        sentence = advice(package)
        assert sentence is not None  # EXTRAS has it.
        raise UserError(sentence)


def advice(package: str) -> str | None:
    """What to do where this package is missing, in one sentence; None for a package that no extra brings."""
    if package not in EXTRAS:
        return None
    extra, target = EXTRAS[package]
    return (
        f"This needs the package {package}, which is not installed here: run `{target}` in a clone of the project, or "
        f"`pip install 'resnet-demo[{extra}]'`."
    )
