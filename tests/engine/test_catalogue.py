"""The committed catalogue against the installed Keras."""

from __future__ import annotations

import inspect
from typing import Any, get_args

import keras
import numpy as np
import pytest

from kbuilder.document.catalogue import Catalogue, ClassSpec, ParamSpec, Section, load_catalogue
from kbuilder.engine.extra_classes import ACTIVATIONS, class_of
from kbuilder.engine.introspect import encode, make_catalogue, module_of
from kbuilder.resources import resource
from tests.engine.sample_layers import call, input_for

CATALOGUE = load_catalogue()
ALL = [
    (section, spec)
    for section in get_args(Section)
    for spec in getattr(CATALOGUE, section)
    if not spec.is_operation
]
LAYERS = [spec for spec in CATALOGUE.layers if not (spec.hidden or spec.is_operation)]
NEEDS_CODE_OR_PACKAGE = {
    *("Lambda", "Pipeline", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper"),
    *("LossScaleOptimizer", "MultiOptimizer", "LearningRateScheduler", "OrbaxCheckpoint"),
}
INHERITED = {"data_format", "zero_output_for_mask"}
WITHOUT_MEANING = {"quantization_config", "rms_scaling", "zero_output_for_mask", "unroll", "seed"}
DOES_NOT_COMPARE = {"seed"}  # Keras draws a number for None


def name_of(case: Any) -> str:
    return case.class_name if isinstance(case, ClassSpec) else str(case)


def test_committed_catalogue_is_what_this_keras_gives() -> None:
    assert encode(make_catalogue()) == resource("catalogue.json").read_bytes()


def test_every_public_class_is_known() -> None:
    from kbuilder.engine.introspect_overrides import LEFT_OUT

    for section in get_args(Section):
        exported = {
            name
            for name, value in vars(module_of(section)).items()
            if inspect.isclass(value) and value.__name__ not in LEFT_OUT
        }
        missing = {name for name in exported if CATALOGUE.find(section, name) is None}
        assert not missing
    assert len(CATALOGUE.layers) > 130
    assert not [spec.class_name for spec in CATALOGUE.layers if spec.family == "Other"]


def test_aliases_lead_to_the_class() -> None:
    found = CATALOGUE.layer("Convolution2D")
    assert found is not None
    assert found.class_name == "Conv2D"


@pytest.mark.parametrize(("section", "spec"), ALL, ids=name_of)
def test_entry_is_consistent(section: Section, spec: ClassSpec) -> None:
    for param in spec.params:
        assert param.kinds, param.name
        if "choice" in param.kinds:
            assert param.choices, param.name
            assert param.optional or param.required or param.default in param.choices
        if "object" in param.kinds:
            assert param.of, param.name
        assert param.optional or param.required or param.default is not None, param.name
        if param.required and not spec.hidden:
            assert param.name in spec.preset, param.name
    assert not set(spec.preset) - {param.name for param in spec.params}


@pytest.mark.parametrize(("section", "spec"), ALL, ids=name_of)
def test_defaults_equal_the_signature(section: Section, spec: ClassSpec) -> None:
    if spec.class_name == "Input":
        return
    signature = inspect.signature(keras_class(section, spec))
    for param in spec.params:
        if param.name not in signature.parameters:
            assert param.name in {"dtype", "activity_regularizer", *INHERITED}
            assert not param.default
            continue
        default = signature.parameters[param.name].default
        assert param.required == (default is inspect.Parameter.empty)
        if not param.required:
            assert as_keras_has_it(param, default) == param.default, param.name


def keras_class(section: Section, spec: ClassSpec) -> Any:
    return class_of(section, spec.class_name) or getattr(module_of(section), spec.class_name)


def as_keras_has_it(param: ParamSpec, default: Any) -> Any:
    if isinstance(default, str) and param.of:
        made = getattr(keras, param.of).get(default)
        return {"class_name": type(made).__name__, "params": {}}
    if isinstance(default, tuple):
        return [list(item) if isinstance(item, tuple) else item for item in default]
    return [default] * (param.length or 1) if isinstance(param.default, list) else default


def made(spec: ClassSpec, section: Section, catalogue: Catalogue = CATALOGUE) -> Any:
    """The Keras object with every default and preset written out."""
    arguments = {p.name: p.default for p in spec.params if not p.required} | spec.preset
    return keras_class(section, spec)(
        **{name: realised(value, spec.param(name), catalogue) for name, value in arguments.items()}
    )


def realised(value: Any, param: ParamSpec | None, catalogue: Catalogue) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        assert param is not None
        section = param.of or "layers"
        return getattr(module_of(section), value["class_name"])(**value["params"])
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [realised(item, param, catalogue) for item in value]
    return tuple(value) if isinstance(value, list) and param and "shape" in param.kinds else value


@pytest.mark.parametrize(
    ("section", "spec"),
    [case for case in ALL if case[1].class_name not in NEEDS_CODE_OR_PACKAGE],
    ids=name_of,
)
def test_every_entry_is_accepted_by_keras(section: Section, spec: ClassSpec) -> None:
    if spec.class_name == "TensorBoard":
        pytest.importorskip("tensorboard")
    if spec.class_name == "Input":
        tensor = keras.Input(**{p.name: p.default for p in spec.params} | spec.preset)
        assert tensor.shape == (None, 64)
    elif spec.class_name == "InputLayer":
        assert keras.layers.InputLayer(shape=(2,)).batch_shape == (None, 2)
    else:
        assert type(made(spec, section)).__name__ in (spec.class_name, *spec.aliases)


@pytest.mark.parametrize("spec", [s for s in LAYERS if s.class_name != "Input"], ids=name_of)
def test_layer_can_be_called_and_comes_back_from_its_config(spec: ClassSpec) -> None:
    layer = made(spec, "layers")
    with keras.StatelessScope(initialize_variables=False):
        output = call(layer, spec, input_for(spec))
    assert len(keras.tree.flatten(output)) == spec.outputs
    again = type(layer).from_config(layer.get_config())
    assert plain_config(again) == plain_config(layer)


def plain_config(layer: Any) -> dict[str, Any]:
    config = layer.get_config()
    return {name: str(value) for name, value in config.items() if name not in DOES_NOT_COMPARE}


@pytest.mark.parametrize("spec", [s for s in LAYERS if s.class_name != "Input"], ids=name_of)
def test_catalogue_knows_every_key_of_the_config(spec: ClassSpec) -> None:
    known = {param.name for param in spec.params} | {"name", "trainable", "dtype"}
    config = made(spec, "layers").get_config()
    unknown = {name: value for name, value in config.items() if name not in known}
    assert set(unknown) <= WITHOUT_MEANING | {"vocabulary_size", "oov_method"}
    assert not any(unknown.get(name) for name in WITHOUT_MEANING)


def test_ranks_are_those_that_really_run() -> None:
    """Image layers accept any rank symbolically and fail later; the table must be stricter."""
    resizing = CATALOGUE.layer("Resizing")
    assert resizing is not None
    assert (resizing.min_rank, resizing.max_rank) == (4, 4)
    out = keras.layers.Resizing(4, 4)(np.zeros((2, 8, 8, 1), "float32"))
    assert out.shape == (2, 4, 4, 1)


@pytest.mark.parametrize("name", load_catalogue().activations)
def test_every_activation_computes(name: str) -> None:
    made = ACTIVATIONS.get(name) or keras.activations.get(name)
    assert np.asarray(made(np.ones((2, 4), "float32"))).shape[0] == 2
