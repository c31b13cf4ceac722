"""The network in ``config.json``: ``depth`` and ``variant``, and a record where these do not say it all."""

from __future__ import annotations

from collections.abc import Mapping

from resnet_demo.models.architecture import (
    ARCHITECTURES,
    BLOCKS,
    DEPTHS,
    SHORTCUTS,
    STAGES,
    STEMS,
    VARIANTS,
    Architecture,
    architecture_of,
)

MAX_NUMBER = 1024  # blocks of a stage, groups, channels of a group: a damaged file must not ask for endless tables


WORDS = {"stem": tuple(STEMS), "shortcut": SHORTCUTS}
SWITCHES = ("gated", "activation_first")


def architecture_to_json(architecture: Architecture) -> dict[str, object]:
    """``depth``, ``variant`` and, for a network that is none of the five ResNets, ``architecture``."""
    depth, variant = architecture.depth, architecture.variant
    record: dict[str, object] = {"depth": depth, "variant": variant}
    if depth not in DEPTHS or architecture != architecture_of(depth, variant):
        parts: dict[str, object] = {
            "name": architecture.name,
            "family": architecture.family,
            "block": architecture.block,
            "counts": list(architecture.counts),
            "groups": architecture.groups,
            "width_per_group": architecture.width_per_group,
        }
        for key in ("channels", *WORDS, *SWITCHES):  # Files of the usual networks stay as they are.
            if (value := getattr(architecture, key)) != getattr(Architecture, key):
                parts[key] = value
        record["architecture"] = parts
    return record


def architecture_from_json(record: Mapping[str, object]) -> Architecture:
    """The network of a ``config.json``. A name in the record's place, as timm has it, counts where it is known here.

    Raises:
        ValueError: it is none.
    """
    depth, variant, known = record.get("depth"), record.get("variant"), record.get("architecture")
    if variant not in VARIANTS:
        raise ValueError(f"no variant {variant!r}")
    if isinstance(known, Mapping):
        found = _from_parts(known)
    else:
        found = ARCHITECTURES.get(str(known)) or architecture_of(depth if isinstance(depth, int) else 0)
    if found.depth != depth:
        raise ValueError(f"{found.title} has not the depth {depth!r}")
    return architecture_of(found, str(variant))


def _from_parts(known: Mapping[str, object]) -> Architecture:
    name, family, block = (known.get(key) for key in ("name", "family", "block"))
    counts, groups, width = known.get("counts"), known.get("groups"), known.get("width_per_group")
    channels = known.get("channels", Architecture.channels)
    *first, last = counts if isinstance(counts, list) and counts else [None]
    numbers = [*first, groups, width, channels]
    whole = [number for number in numbers if isinstance(number, int) and 1 <= number <= MAX_NUMBER]
    if block not in BLOCKS or not isinstance(name, str) or not isinstance(family, str):
        raise ValueError(f"no network of blocks {block!r}")
    if len(whole) != len(numbers) or len(numbers) != len(STAGES) + 2:
        raise ValueError("its sizes are none")
    if not (isinstance(last, int) and 0 <= last <= MAX_NUMBER):  # The last stage may be empty.
        raise ValueError("its sizes are none")
    words = {key: known.get(key, getattr(Architecture, key)) for key in WORDS}
    switches = {key: known.get(key, getattr(Architecture, key)) for key in SWITCHES}
    if any(word not in WORDS[key] for key, word in words.items()):
        raise ValueError(f"no network of such parts: {words}")
    if not all(isinstance(value, bool) for value in switches.values()):
        raise ValueError(f"no network of such blocks: {switches}")
    one, two, three, groups_, width_, channels_ = whole
    return Architecture(
        name,
        family,
        str(block),
        (one, two, three, last),
        groups_,
        width_,
        channels=channels_,
        stem=str(words["stem"]),
        shortcut=str(words["shortcut"]),
        gated=switches["gated"] is True,
        activation_first=switches["activation_first"] is True,
    )
