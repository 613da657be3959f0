"""Bundled templates: whole models and blocks that one puts on the canvas."""

from __future__ import annotations

import msgspec

from kbuilder.document.fragment import Fragment
from kbuilder.document.fragment_json import decode
from kbuilder.resources import resource

INDEX = "index.json"


class Template(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One template: the file it lies in, what it is called, and what it is for.

    ``kind`` is ``"model"`` (with its inputs) or ``"block"`` (fed by what it is put behind); ``shape``
    is that of one sample such a block can take.
    """

    name: str
    title: str
    kind: str
    help: str
    shape: tuple[int, ...] = ()

    def fragment(self) -> Fragment:
        """The layers of the template."""
        return decode(resource("templates", f"{self.name}.json").read_bytes())


def load_templates() -> tuple[Template, ...]:
    """All templates, in the order in which they are offered."""
    content = resource("templates", INDEX).read_bytes()
    return msgspec.json.decode(content, type=tuple[Template, ...])
