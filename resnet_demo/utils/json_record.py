"""Records of JSON files: dataclasses that read what they know, and write it in their own order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class JsonRecord:
    """The base of a dataclass whose fields are named as the keys of its JSON object."""

    @classmethod
    def from_json(cls, record: Mapping[str, object]) -> Self:
        """The record of a JSON object; keys that this version does not know are left out.

        Raises:
            TypeError, AttributeError: a key is missing, or it is no object.
        """
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {key: value for key, value in record.items() if key in known}
        return cls(**values)

    def to_json(self) -> dict[str, object]:
        """What is None is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: value for key, value in values.items() if value is not None}


def as_json(value: object) -> Any:
    """A value in which records may stand, at any depth, as plain JSON."""
    if to_json := getattr(value, "to_json", None):
        return as_json(to_json())
    if isinstance(value, Mapping):
        return {key: as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    return value
