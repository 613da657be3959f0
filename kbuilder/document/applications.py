"""The pretrained networks that Keras brings along, as a list that needs no Keras."""

from __future__ import annotations

import msgspec

from kbuilder.resources import resource


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """One of ``keras.applications``: the size of its pictures (height, width), layers and weights."""

    name: str
    size: tuple[int, int]
    layers: int
    parameters: int


def load_applications() -> tuple[Application, ...]:
    """The networks of the committed list, small ones first."""
    content = resource("applications.json").read_bytes()
    return msgspec.json.decode(content, type=tuple[Application, ...])
