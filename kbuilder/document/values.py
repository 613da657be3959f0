"""The base of every value in a project, and the one shape for "a Keras object with parameters"."""

from __future__ import annotations

from typing import Any

import msgspec

Params = dict[str, Any]
"""Parameter name to JSON value. Only parameters that differ from their default are kept."""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen part of the project. ``extra`` keeps what the file holds and this version does not know."""

    extra: dict[str, Any] = {}


class KerasObject(Value, frozen=True, kw_only=True):
    """An optimizer, loss, metric or callback by class name, with the parameters that were changed.

    Inside ``Params`` the same thing (an initializer, an inner layer) is the plain dictionary
    ``{"class_name": ..., "params": {...}}``.
    """

    class_name: str
    params: Params = {}

    def plain(self) -> dict[str, Any]:
        """The same as a dictionary."""
        return {"class_name": self.class_name, "params": self.params}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> KerasObject:
        """The object that a dictionary stands for."""
        return cls(class_name=plain["class_name"], params=plain.get("params", {}))
