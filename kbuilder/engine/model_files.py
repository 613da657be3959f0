"""Model files: write them so that plain Keras trains on, read them without trusting them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from kbuilder.document.approvals import is_approved
from kbuilder.document.catalogue import Catalogue, Section, load_catalogue
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.graph import Graph
from kbuilder.document.options import FitOptions
from kbuilder.document.own_code import teach
from kbuilder.document.project import Project
from kbuilder.document.project_file import decode
from kbuilder.document.values import KerasObject
from kbuilder.engine.build import DEEPEST_RECURSION, BuiltModel, build
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.checkpoint import capture, restore
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.data_source import refuse_over_budget
from kbuilder.engine.import_compile import compile_from
from kbuilder.engine.import_graph import graph_from
from kbuilder.engine.import_params import params_from
from kbuilder.engine.infer import Inference
from kbuilder.engine.legacy.lambdas import without_lambdas
from kbuilder.engine.legacy.old_model import OldModel
from kbuilder.engine.legacy.origin import Origin
from kbuilder.engine.raw_model import RawModel, open_raw
from kbuilder.engine.redrawing import has_expressions, redrawn
from kbuilder.engine.weight_files import (
    Loaded,
    load_into,
    parameter_count,
    refuse_more_than_stored,
)
from kbuilder.engine.write_model import (
    WEIGHT_ENDINGS,
    digests,
    refuse_ending,
    write_hdf5,
    write_keras,
    write_weights,
)

BYTES_PER_WEIGHT = 4
WEIGHT_KINDS = "a file of weights or a whole model (.h5, .hdf5 or .keras)"
COPIES_WHILE_OPENING = 3


@dataclass(frozen=True)
class OpenedModel:
    """A model from a file, compiled as it was, and the same as a project.

    ``notes`` tell what is lost, ``loaded`` names the layers that got weights.
    """

    model: keras.Model
    project: Project
    notes: tuple[str, ...]
    loaded: tuple[str, ...]


def write_model(
    model: keras.Model, path: Path, project: Project | None = None, weights_only: bool = False
) -> None:
    """Write a model, or its weights alone, in the format that the ending of ``path`` means.

    ``.hdf5``, ``.h5`` and ``.keras`` hold the whole model, compiled; ``.weights.h5``, ``*_weights.h5`` and
    ``*_weights.hdf5`` only weights, as does every ``.h5`` and ``.hdf5`` with ``weights_only``.

    Raises:
        SaveError: it could not be written; what stood at ``path`` before still does.
        KBuilderError: the ending is none of these.
    """
    if path.suffix != path.suffix.lower():
        raise refuse_ending(path, f"“{path.suffix.lower()}”, as Keras reads only small letters")
    name = path.name.lower()
    is_hdf5 = name.endswith((".h5", ".hdf5"))
    if weights_only or name.endswith(WEIGHT_ENDINGS):
        if not is_hdf5:
            raise refuse_ending(path, ".weights.h5, .h5 or .hdf5 for weights alone")
        write_weights(model, path)
    elif name.endswith(".keras"):
        write_keras(model, path, project)
    elif is_hdf5:
        write_hdf5(model, path, project, load_catalogue())
    else:
        raise refuse_ending(path, ".hdf5, .h5, .keras or .weights.h5")


Tell = Callable[[str, float], None]
"""Hears what is being done and how far it is, from 0 to 1; may raise to end it."""


class Opening:
    """A model file that is being opened: its project at once, its weights by ``load``.

    ``notes`` tell what is lost. ``has_weights`` is False where there are none, or none that can be used.
    """

    def __init__(self, catalogue: Catalogue, raw: RawModel) -> None:
        self._catalogue = catalogue
        self._raw = raw
        self._old = _old_model(catalogue, raw)
        self.project, self.notes = (
            (self._old.project, self._old.notes) if self._old else _project(catalogue, raw)
        )
        strange = [n for n in self.project.graph.nodes if catalogue.layer(n.class_name) is None]
        held = not is_approved(self.project.custom_code)
        self.has_weights = raw.file is not None and not strange and not held
        if held and raw.file is not None:
            self.notes += (
                "The weights are not loaded: the model has Python code of its own, which is held back. Read "
                "it, trust it, and open the file again.",
            )
        if strange and raw.file is not None:
            self.notes += (
                f"The weights are not loaded: “{strange[0].name}” is of class “{strange[0].class_name}”, "
                f"which Keras {catalogue.keras_version} does not have. Replace it by other layers, then "
                "load the weights.",
            )
        if self.has_weights:
            _refuse_oversize(catalogue, raw, self.project.graph)

    def load(self, tell: Tell = lambda text, fraction: None) -> OpenedModel:
        """Build the model from the project as any other, with its weights and all states of training.

        Raises:
            FileRefusedError: they are damaged, or are not those of the model.
        """
        raw = self._raw
        if raw.file is None or not self.has_weights:
            raise FileRefusedError(f"“{raw.name}” has no weights that can be loaded.")
        tell("Checking the file", 0.0)
        raw.checksum()
        tell("Building the layers", 0.1)
        try:
            built = build(self.project, self._catalogue)
            compiled = _compiled(built, self.project, self._catalogue)
        except BuildError as error:
            raise FileRefusedError(f"“{raw.name}” gives no model: {error}") from error
        tell("Reading the weights", 0.6)
        if self._old is not None:
            loaded, missing = self._old.load(built)
        else:
            loaded, left = load_into(raw.file, built.model, raw.name)
            missing = _without_weights(built.model, loaded, left)
        if missing:
            raise FileRefusedError(
                f"“{raw.name}” has no fitting weights for "
                f"{', '.join(f'“{name}”' for name in missing[:5])}. It is damaged; use another copy."
            )
        tell("Restoring the state of training", 0.8)
        notes: tuple[str, ...] = ()
        old = self._old
        goes_on = old.restore_optimizer(built) if old and compiled else _restore(raw, built.model)
        if not goes_on and compiled:
            notes += ("The state of the optimizer is not in the file; it starts afresh.",)
        if not compiled and not any(o.loss for o in self.project.compile.outputs.values()):
            notes += ("The model was not compiled; choose optimizer and loss under Train.",)
        return OpenedModel(built.model, self.project, self.notes + notes, loaded)


@contextmanager
def opening(path: Path) -> Iterator[Opening]:
    """Open a model file: what is in it can be shown at once.

    The configuration is parsed against the catalogue, and what it asks for is counted. Nothing that the
    file says is given to Keras to deserialise.

    Raises:
        FileRefusedError: it is no model that can be opened; one sentence says what, where and why.
    """
    with open_raw(path) as raw:
        yield Opening(load_catalogue(), raw)


def _without_weights(
    model: keras.Model, loaded: Sequence[str], left: Sequence[str]
) -> tuple[str, ...]:
    """Names of the layers that got no weights, not even as part of another one or shared with it."""
    filled = {id(w) for name in loaded for w in model.get_layer(name).weights}
    return tuple(
        name for name in left if any(id(w) not in filled for w in model.get_layer(name).weights)
    )


def load_weights(model: keras.Model, path: Path) -> Loaded:
    """Put the weights of a file into a model: a whole model or weights alone, in any layout.

    Returns:
        Names of the layers that got weights, and of those with weights that did not.

    Raises:
        FileRefusedError: it is no such file, or nothing in it fits.
    """
    with open_raw(path) as raw:
        if raw.file is None:
            raise FileRefusedError(
                f"“{raw.name}” is a {raw.kind}, which has no weights. Choose {WEIGHT_KINDS}."
            )
        raw.checksum()
        return load_into(raw.file, model, raw.name)


def project_of(catalogue: Catalogue, raw: RawModel) -> tuple[Project, tuple[str, ...]]:
    """The project in a model file, and notes on what is lost.

    Raises:
        FileRefusedError: it is no model that can be opened; one sentence says what, where and why.
    """
    old = _old_model(catalogue, raw)
    return (old.project, old.notes) if old else _project(catalogue, raw)


def _project(catalogue: Catalogue, raw: RawModel) -> tuple[Project, tuple[str, ...]]:
    if raw.config is None:
        raise FileRefusedError(
            f"“{raw.name}” holds weights alone. Open the project or model that they belong to and load "
            "the weights into it."
        )
    where = f"“{raw.name}”"
    config, notes = without_lambdas(raw.config)
    graph = graph_from(catalogue, config, where)
    if raw.own is not None and raw.own.project:
        own = decode(raw.own.project, raw.name)
        teach(catalogue, own.custom_code)
        if has_expressions(own.graph):
            _refuse_unknown(catalogue, own.graph, where)
            drawn = redrawn(own.graph, catalogue, where)
        else:
            drawn = own.graph
        if _same_layers(drawn, graph):
            _refuse_unknown(catalogue, own.graph, where)
            return own, ()
    # Training a model that has weights goes on from them, as in Keras.
    fit = FitOptions(begin_with="in use" if raw.file is not None else "fresh")
    if not isinstance(raw.compiled, dict) or not raw.compiled:
        return Project(graph=graph, fit=fit), notes
    options, more = compile_from(catalogue, raw.compiled, graph.outputs, where)
    return Project(graph=graph, compile=options, fit=fit), notes + more


def _old_model(catalogue: Catalogue, raw: RawModel) -> OldModel | None:
    """The file as one of Keras 2, or None if it is of Keras 3 or has no configuration."""
    if raw.config is None or not Origin(raw.keras_version).is_old:
        return None
    return OldModel(catalogue, raw)


def _same_layers(own: Graph, found: Graph) -> bool:
    """Whether the stored project draws the model of the file and not another one.

    A layer goes by the name of the node that holds it: the file has no names for its other calls.
    """

    def essence(graph: Graph) -> list[tuple[str, str, list[tuple[str, int, int]]]]:
        return sorted(
            (
                graph.layer_of(node.id).name,
                node.class_name,
                [
                    (graph.layer_of(edge.source).name, edge.source_port, number)
                    for number, edge in enumerate(graph.incoming[node.id])
                ],
            )
            for node in graph.nodes
        )

    return essence(own) == essence(found)


def _refuse_unknown(catalogue: Catalogue, graph: Graph, where: str) -> None:
    """The project in a file may be a stranger's too: its parameters pass the same list."""
    for node in graph.nodes:
        config = _as_config(node.params)
        here = f"{where}, layer “{node.name}”,"
        params_from(catalogue, "layers", node.class_name, config, here)


def _as_config(value: Any) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        return {"class_name": value["class_name"], "config": _as_config(value.get("params", {}))}
    if isinstance(value, dict):
        return {key: _as_config(item) for key, item in value.items()}
    return [_as_config(item) for item in value] if isinstance(value, list) else value


def _refuse_oversize(catalogue: Catalogue, raw: RawModel, graph: Graph) -> None:
    """Count the weights that the configuration asks for before any is made."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), DEEPEST_RECURSION))
    facts, problems = Inference(catalogue).infer(graph)
    if problems:
        raise FileRefusedError(f"“{raw.name}” gives no model: {problems[0].text}")
    wanted = sum(fact.trainable_params + fact.fixed_params for fact in facts.values())
    stored = parameter_count(raw.file, raw.sizes) if raw.file else 0
    refuse_more_than_stored(raw.name, wanted, stored)
    refuse_over_budget(raw.name, wanted * BYTES_PER_WEIGHT * COPIES_WHILE_OPENING)


def _compiled(built: BuiltModel, project: Project, catalogue: Catalogue) -> bool:
    """Compile as the options say; without any loss, or with one nobody knows, it stays uncompiled."""
    outputs = project.compile.outputs.values()
    judges: list[tuple[Section, KerasObject]] = [
        *(("losses", options.loss) for options in outputs if options.loss),
        *(("metrics", metric) for options in outputs for metric in options.metrics),
        *(("metrics", metric) for options in outputs for metric in options.weighted_metrics),
    ]
    if not all(catalogue.find(section, judge.class_name) for section, judge in judges):
        return False
    if not any(options.loss for options in outputs):
        return False
    compile_model(built, project, catalogue)
    return True


def _restore(raw: RawModel, model: keras.Model) -> bool:
    """Put back what is beside the weights; tells whether the optimizer goes on where it was."""
    state = capture(model)
    seeds = raw.own.seeds if raw.own is not None else {}
    known = {
        key: values.astype(state.weights[key].dtype)
        for key, values in seeds.items()
        if key in state.weights and state.weights[key].shape == values.shape
    }
    own = raw.own
    untrained = own is not None and not own.optimizer_class
    state = replace(
        state,
        weights=state.weights | known,
        optimizer=[] if untrained else raw.optimizer(),
        optimizer_class=(own.optimizer_class if own else "") or _class_of_optimizer(model),
        trainable=own.trainable if own is not None and own.trainable else state.trainable,
    )
    if own is not None and own.digests:
        _refuse_changed(raw.name, own.digests, digests(state.weights, state.optimizer))
    return restore(model, state) or untrained


def _class_of_optimizer(model: keras.Model) -> str:
    return type(getattr(model, "optimizer", None)).__name__


def _refuse_changed(name: str, written: Sequence[str], found: Sequence[str]) -> None:
    for part, before, now in zip(("weights", "optimizer's state"), written, found, strict=True):
        if before != now:
            raise FileRefusedError(
                f"The {part} in “{name}” are not those that were written: their SHA-256 differs. The file "
                "is damaged; use another copy."
            )
