"""What may exist: every Keras class that a project can name, with its parameters.

The values come from ``resources/catalogue.json``, which ``kbuilder.engine.introspect`` generates from
the installed Keras. Palette, forms, rules and the builder all read them, so none needs Keras to know
what a layer takes.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from kbuilder.resources import resource

Kind = Literal[
    "int",
    "float",
    "text",
    "bool",
    "choice",  # one of ``choices``
    "shape",  # a list of ints, None for an open dimension; ``length`` entries, or any number
    "object",  # {"class_name", "params"} of a class in section ``of``
    "value",  # anything else: a JSON value, typed as text
]
Section = Literal[
    "layers",
    "optimizers",
    "losses",
    "metrics",
    "callbacks",
    "initializers",
    "regularizers",
    "constraints",
    "schedules",
]


OPERATIONS = "Operations"
"""The family of functions of ``keras.ops`` and of expressions, which are no layers."""


class ParamSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One parameter of a Keras class.

    ``kinds`` has one entry for most; ``learning_rate`` for example is ``("float", "object")`` with
    ``of="schedules"``. ``optional`` means that None is a meaning of its own. ``minimum`` and
    ``maximum`` are inclusive. ``advanced`` parameters are shown folded.
    """

    name: str
    kinds: tuple[Kind, ...]
    default: Any = None
    required: bool = False
    optional: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    length: int | None = None
    of: Section | None = None
    advanced: bool = False
    group: str = ""
    help: str = ""


class ClassSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One Keras class.

    ``family`` is the palette group of a layer. ``ports`` names the input ports (one unless the layer
    takes several); ``many_inputs`` means any number of inputs from ``fewest_inputs`` on, all called
    ``ports[0]``; ``optional_ports`` counts the ports at the end that may stay open. ``outputs`` is the
    number of output ports; ``kbuilder.document.ports`` tells what a node has by its parameters.
    ``min_rank`` and ``max_rank`` bound the rank of the input with the batch dimension. ``hidden``
    classes are known, so that files open, but are not offered. ``preset`` gives values for required
    parameters when the user adds the layer. ``call_params`` are the arguments of its call that are no
    tensors. ``own`` classes are those of the project's own code.
    """

    class_name: str
    section: Section
    family: str = ""
    params: tuple[ParamSpec, ...] = ()
    preset: dict[str, Any] = {}
    ports: tuple[str, ...] = ("input",)
    optional_ports: int = 0
    many_inputs: bool = False
    fewest_inputs: int = 2
    outputs: int = 1
    min_rank: int | None = None
    max_rank: int | None = None
    hidden: bool = False
    own: bool = False
    call_params: tuple[ParamSpec, ...] = ()
    aliases: tuple[str, ...] = ()
    help: str = ""

    @property
    def is_operation(self) -> bool:
        """Whether it is a function of ``keras.ops`` or an expression over them, and no layer."""
        return self.family == OPERATIONS

    def param(self, name: str) -> ParamSpec | None:
        """The parameter of that name, or None."""
        return next((param for param in self.params if param.name == name), None)


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All classes of one Keras version, in palette order within their section.

    ``code`` is the own code of the project at hand, whose classes ``learn`` has added; it is the one
    thing that changes while a catalogue is in use. Keras's own classes win where a name is taken.
    """

    keras_version: str
    layers: tuple[ClassSpec, ...] = ()
    optimizers: tuple[ClassSpec, ...] = ()
    losses: tuple[ClassSpec, ...] = ()
    metrics: tuple[ClassSpec, ...] = ()
    callbacks: tuple[ClassSpec, ...] = ()
    initializers: tuple[ClassSpec, ...] = ()
    regularizers: tuple[ClassSpec, ...] = ()
    constraints: tuple[ClassSpec, ...] = ()
    schedules: tuple[ClassSpec, ...] = ()
    activations: tuple[str, ...] = ()

    @cached_property
    def _index(self) -> dict[tuple[str, str], ClassSpec]:
        return {
            (section, name): spec
            for section in Section.__args__  # type: ignore[attr-defined]
            for spec in getattr(self, section)
            for name in (spec.class_name, *spec.aliases)
        }

    @cached_property
    def functions(self) -> frozenset[str]:
        """Names of the functions of ``keras.ops`` that are operations on tensors, without ``ops.``."""
        return frozenset(
            name.removeprefix("ops.")
            for spec in self.layers
            if spec.is_operation
            for name in (spec.class_name, *spec.aliases)
            if name.startswith("ops.")
        )

    @property
    def code(self) -> str:
        """The own code whose classes are known."""
        return str(self.__dict__.get("code_learned", ""))

    @property
    def own(self) -> tuple[ClassSpec, ...]:
        """The classes of the own code."""
        return tuple(self.__dict__.get("own_learned", {}).values())

    def learn(self, code: str, own: tuple[ClassSpec, ...]) -> None:
        """Know the classes of this own code instead of those known before."""
        self.__dict__["code_learned"] = code
        self.__dict__["own_learned"] = {(spec.section, spec.class_name): spec for spec in own}

    def find(self, section: Section, class_name: str) -> ClassSpec | None:
        """The class of that name or alias, or None when neither Keras nor the own code has it."""
        key = (section, class_name)
        return self._index.get(key) or self.__dict__.get("own_learned", {}).get(key)

    def listed(self, section: Section) -> tuple[ClassSpec, ...]:
        """The classes of a section, those of the own code first."""
        specs: tuple[ClassSpec, ...] = getattr(self, section)
        return (*(spec for spec in self.own if spec.section == section), *specs)

    def layer(self, class_name: str) -> ClassSpec | None:
        """The layer class of that name or alias, or None."""
        return self.find("layers", class_name)


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read the committed catalogue."""
    text = (path or resource("catalogue.json")).read_bytes()
    return msgspec.json.decode(text, type=Catalogue)
