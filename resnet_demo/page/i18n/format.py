"""Numbers and the backend's name in the visitor's language."""

from __future__ import annotations

from resnet_demo.page.i18n.texts import language, say


def backend(text: str) -> str:
    """``OpenVINO bf16 on CPU`` in the visitor's language."""
    engine, _, device = text.partition(" on ")
    return say("on", engine=engine, device=device) if device else text


def percent(probability: float) -> str:
    return of_hundred(100 * probability)


def of_hundred(value: float) -> str:
    """What is in percent already."""
    return say("percent", value=f"{value:.1f}")


def sentences(*said: str) -> str:
    """One after the other; Chinese has no space between them."""
    return (" " if language() == "en" else "").join(said)
