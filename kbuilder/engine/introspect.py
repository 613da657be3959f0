"""Makes the catalogue from the installed Keras: ``python -m kbuilder.engine.introspect [--out FILE]``."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import get_args

import keras
import msgspec

from kbuilder.document.catalogue import Catalogue, ClassSpec, ParamSpec, Section
from kbuilder.engine import introspect_overrides as overrides
from kbuilder.engine.introspect_facts import INPUT_DTYPES, OTHER
from kbuilder.engine.introspect_params import activation_names, params_of
from kbuilder.resources import resource

_RANK_FROM_NAME = re.compile(r"([123])D(Transpose)?$")
_ARGS_START = re.compile(r"^(\s*)(Args|Arguments):\s*$", re.MULTILINE)
_ARG = re.compile(r"^\*{0,2}(\w+)(?: \([^)]*\))?:\s?(.*)$")


def make_catalogue() -> Catalogue:
    """Introspect the Keras that is installed."""
    sections = {section: _section(section) for section in get_args(Section)}
    return Catalogue(keras_version=keras.__version__, activations=activation_names(), **sections)


def module_of(section: Section) -> ModuleType:
    """The public Keras module whose classes make a section."""
    found: ModuleType = (
        keras.optimizers.schedules if section == "schedules" else getattr(keras, section)
    )
    return found


def _section(section: Section) -> tuple[ClassSpec, ...]:
    exported: dict[type, list[str]] = {}
    for name, value in vars(module_of(section)).items():
        if inspect.isclass(value) and value.__name__ not in overrides.LEFT_OUT:
            exported.setdefault(value, []).append(name)
    specs = [_class_spec(cls, names, section) for cls, names in exported.items()]
    if section == "layers":
        specs.append(_input_spec())
    return tuple(sorted(specs, key=_palette_place))


def _palette_place(spec: ClassSpec) -> tuple[int, int, str]:
    if spec.section == "layers":
        families = list(overrides.LAYER_FAMILIES)
        if spec.family not in families:
            return (len(families), 0, spec.class_name)
        members = overrides.LAYER_FAMILIES[spec.family]
        return (families.index(spec.family), members.index(spec.class_name), spec.class_name)
    first = overrides.FIRST.get(spec.section, ())
    place = first.index(spec.class_name) if spec.class_name in first else len(first)
    return (int(spec.hidden), place, spec.class_name)


def _class_spec(cls: type, names: Iterable[str], section: Section) -> ClassSpec:
    names = set(names)
    name = cls.__name__ if cls.__name__ in names else min(names)
    params = params_of(cls, section, argument_texts(cls))
    spec = ClassSpec(
        class_name=name,
        section=section,
        params=params,
        preset=overrides.PRESETS.get(name, {}) if section != "initializers" else {},
        hidden=name in overrides.HIDDEN,
        aliases=tuple(sorted({*names, cls.__name__} - {name})),
        help=first_paragraph(cls),
    )
    return _with_layer_facts(spec) if section == "layers" else spec


def _with_layer_facts(spec: ClassSpec) -> ClassSpec:
    name = spec.class_name
    family = next(
        (key for key, names in overrides.LAYER_FAMILIES.items() if name in names), "Other"
    )
    low, high = _ranks(name, family)
    return msgspec.structs.replace(
        spec,
        family=family,
        ports=overrides.PORTS.get(name, ("input",)),
        optional_ports=overrides.OPTIONAL_PORTS.get(name, 0),
        many_inputs=name in overrides.MERGES_OF_MANY,
        min_rank=low,
        max_rank=high,
    )


def _ranks(name: str, family: str) -> tuple[int | None, int | None]:
    if name in overrides.RANKS:
        return overrides.RANKS[name]
    if match := _RANK_FROM_NAME.search(name):
        rank = int(match.group(1)) + 2
        return (rank, rank)
    return (4, 4) if family == "Image augmentation" else (None, None)


def _input_spec() -> ClassSpec:
    params = (
        ParamSpec(
            name="shape",
            kinds=("shape",),
            required=True,
            minimum=1,
            help="Shape of one sample, without the batch dimension. None leaves a dimension open.",
        ),
        ParamSpec(
            name="dtype",
            kinds=("choice",),
            default=None,
            optional=True,
            choices=INPUT_DTYPES,
            help="Dtype of the values. By default Keras's floatx, which is float32.",
        ),
        ParamSpec(
            name="batch_size",
            kinds=("int",),
            optional=True,
            minimum=1,
            advanced=True,
            group=OTHER,
            help="Fixed number of samples in a batch; needed by stateful recurrent layers.",
        ),
    )
    spec = ClassSpec(
        class_name="Input",
        section="layers",
        params=params,
        preset=overrides.PRESETS["Input"],
        help="Where data enter the model: one sample's shape and dtype.",
    )
    return _with_layer_facts(spec)


def first_paragraph(cls: type) -> str:
    """The first paragraph of a class's docstring as plain text."""
    return _plain_text((inspect.getdoc(cls) or "").split("\n\n")[0])


def argument_texts(cls: type) -> dict[str, str]:
    """Texts of the ``Args:`` section of a class's docstring, by parameter."""
    doc = inspect.getdoc(cls) or ""
    start = _ARGS_START.search(doc)
    if not start:
        return {}
    texts: dict[str, list[str]] = {}
    current: list[str] = []
    margin: int | None = None
    for line in doc[start.end() :].splitlines():
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent <= len(start.group(1)):
            break
        margin = indent if margin is None and line.strip() else margin
        if indent == margin and (match := _ARG.match(line.strip())):
            current = texts.setdefault(match.group(1), [])
            line = match.group(2)
        current.append(line)
    return {name: _plain_text(" ".join(lines)) for name, lines in texts.items()}


def _plain_text(text: str) -> str:
    return " ".join(text.replace("`", "").split())


def encode(catalogue: Catalogue) -> bytes:
    """The catalogue as it is committed: indented JSON in a stable order."""
    return msgspec.json.format(msgspec.json.encode(catalogue), indent=1) + b"\n"


def main(arguments: list[str] | None = None) -> None:
    """Write the catalogue of the installed Keras."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=resource("catalogue.json"))
    options = parser.parse_args(arguments)
    options.out.write_bytes(encode(make_catalogue()))


if __name__ == "__main__":
    main()
