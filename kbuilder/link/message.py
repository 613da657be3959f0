"""The base of all that travels over the link."""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The base of all that travels; the class name is the tag on the wire."""
