"""How much of the machine visitors may use; ``docs/security.md`` lists the environment variable of each limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from resnet_demo.errors import UserError
from resnet_demo.page.i18n.texts import say

PREFIX = "RESNET_DEMO_"


@dataclass(frozen=True)
class Limits:
    """Limits of one server; the variable of ``keep_seconds`` is ``RESNET_DEMO_KEEP_SECONDS``, and so on.

    Attributes:
        keep_seconds: age at which uploads, and what was made of them, are deleted.
        temp_mb: most megabytes of them; the oldest go first.
        upload_mb: most megabytes that one visitor may upload in ten minutes.
        decoded_megapixels: pixels of photos that are decoded at a time, over all visitors.
        unload_seconds: age at which networks that nobody asked for are let go, but for those that people meet first.
        memory_mb: resident megabytes beyond which the networks that were not used the longest are let go.
        connections: open connections; 0 is what the system's limit of open files allows, 1,000 at most.
        header_seconds: time in which a request's first line and headers must be there.
        body_seconds: longest pause within a request's body.
        stop_seconds: time that running requests have to end when the page is stopped.
        teach_classes, teach_photos, teach_mb: most classes, photos and megabytes of files that a visitor teaches with.
        teach_minutes: time for which what was taught is kept after its last use.
        metrics: 1 shows ``/metrics`` to whoever asks.
    """

    keep_seconds: int = 3600
    temp_mb: int = 4000
    upload_mb: int = 1000
    decoded_megapixels: int = 32
    unload_seconds: int = 900
    memory_mb: int = 1700
    connections: int = 0
    header_seconds: int = 20
    body_seconds: int = 60
    stop_seconds: int = 5
    teach_classes: int = 20
    teach_photos: int = 500
    teach_mb: int = 300
    teach_minutes: int = 30
    metrics: int = 0

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Limits:
        """The limits that an environment sets.

        Raises:
            UserError: a value is no whole number from 0 on.
        """
        values = {}
        for field in fields(cls):
            name = PREFIX + field.name.upper()
            text = environment.get(name, "").strip()
            if not text:
                continue
            if not (text.isascii() and text.isdecimal() and len(text) < 10):
                raise UserError(say("limit_bad", name=name, value=text, usual=field.default))
            values[field.name] = int(text)
        return cls(**values)
