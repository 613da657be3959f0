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

from kbuilder.document.catalogue import OPERATIONS, Catalogue, ClassSpec, ParamSpec, Section
from kbuilder.engine import introspect_overrides as overrides
from kbuilder.engine.extra_classes import CLASSES
from kbuilder.engine.introspect_facts import INPUT_DTYPES, OTHER
from kbuilder.engine.introspect_operations import operation_specs
from kbuilder.engine.introspect_params import activation_names, call_params_of, params_of
from kbuilder.engine.introspect_texts import argument_texts, first_paragraph
from kbuilder.resources import resource

_RANK_FROM_NAME = re.compile(r"([123])D(Transpose)?$")


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
    specs += [
        msgspec.structs.replace(_class_spec(cls, [name], section), hidden=True)
        for name, cls in CLASSES.get(section, {}).items()
    ]
    if section == "layers":
        specs += [_input_spec(), _expression_spec(), *operation_specs()]
    return tuple(sorted(specs, key=_palette_place))


def _palette_place(spec: ClassSpec) -> tuple[int, int, str]:
    if spec.section == "layers":
        families = list(overrides.LAYER_FAMILIES)
        if spec.is_operation:
            return (len(families), int(spec.class_name != "Expression"), spec.class_name)
        if spec.family not in families:
            return (len(families) + 1, 0, spec.class_name)
        members = overrides.LAYER_FAMILIES[spec.family]
        place = members.index(spec.class_name) if spec.class_name in members else len(members)
        return (families.index(spec.family), place, spec.class_name)
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
    return _with_layer_facts(spec, cls) if section == "layers" else spec


def _with_layer_facts(spec: ClassSpec, cls: type | None = None) -> ClassSpec:
    name = spec.class_name
    extra = "Not offered" if name in CLASSES.get("layers", {}) else "Other"
    family = next((key for key, names in overrides.LAYER_FAMILIES.items() if name in names), extra)
    low, high = _ranks(name, family)
    return msgspec.structs.replace(
        spec,
        family=family,
        ports=overrides.PORTS.get(name, ("input",)),
        optional_ports=overrides.OPTIONAL_PORTS.get(name, 0),
        many_inputs=name in overrides.MERGES_OF_MANY,
        min_rank=low,
        max_rank=high,
        call_params=tuple(
            param
            for param in (call_params_of(cls) if cls is not None else ())
            if param.name != "training" or family in overrides.WORKS_OTHERWISE_IN_TRAINING
        ),
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


def _expression_spec() -> ClassSpec:
    params = (
        ParamSpec(
            name="expression",
            kinds=("text",),
            required=True,
            help="What to compute: x is the input; with several inputs x[0], x[1] and so on. Numbers, "
            "+ - * / ** @, comparisons, slices and functions of keras.ops, as in "
            "ops.concatenate([x[0], 2 * x[1]], axis=-1). A tuple gives several outputs.",
        ),
        ParamSpec(
            name="approved",
            kinds=("bool",),
            default=True,
            advanced=True,
            help="Off while nobody has read an expression that comes from a Lambda layer of a file.",
        ),
    )
    return ClassSpec(
        class_name="Expression",
        section="layers",
        family=OPERATIONS,
        params=params,
        preset={"expression": "x"},
        many_inputs=True,
        fewest_inputs=1,
        aliases=("Lambda expression",),
        help="Computes an expression over its inputs with functions of keras.ops; it has no weights.",
    )


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
