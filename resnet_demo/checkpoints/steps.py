"""The commands that made a checkpoint, as ``config.json`` keeps them: a line each."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

PROGRAM = ("python", "-m", "resnet_demo")


@dataclass(frozen=True)
class Step:
    """One command of a checkpoint's history.

    Attributes:
        verb: train, distill, grow …
        arguments: those before its options, such as the recipe.
        options: option → its values, such as ``{"--depth": ["50"]}``, in the command's order.
        line: the whole command; that of a file is kept as it was written.
    """

    verb: str
    arguments: Sequence[str] = ()
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    line: str = ""

    def __post_init__(self) -> None:
        if not self.line:
            values = [word for option, words in self.options.items() for word in (option, *words)]
            object.__setattr__(self, "line", shlex.join([*PROGRAM, self.verb, *self.arguments, *values]))

    @classmethod
    def from_json(cls, line: str) -> Step:
        """The parts of a line.

        Raises:
            ValueError: it is no command of ours.
        """
        words = shlex.split(line)
        verb, *words = words[words.index(PROGRAM[-1]) + 1 :]
        arguments: list[str] = []
        options: dict[str, list[str]] = {}
        values = arguments
        for word in words:
            if word.startswith("--"):
                option, equals, value = word.partition("=")
                values = options[option] = [value] if equals else []
            else:
                values.append(word)
        return cls(verb, arguments, options, line)

    def to_json(self) -> str:
        return self.line

    @property
    def recipe(self) -> str:
        """The recipe's name, or an empty string."""
        return PurePosixPath(self.arguments[0]).stem if self.arguments else ""

    def values(self, option: str) -> Sequence[str]:
        """What follows an option; nothing where it is not given."""
        return self.options.get(option, ())

    def option(self, name: str, default: str = "") -> str:
        """The only, or first, value of an option."""
        return next(iter(self.values(name)), default)

    @property
    def depth(self) -> int:
        return int(self.option("--depth", "50"))


def shown_path(path: Path) -> str:
    """A folder as records have it: its place below the working folder, else its name, as nobody else has the rest."""
    return path.name if path.is_absolute() or ".." in path.parts else path.as_posix()
