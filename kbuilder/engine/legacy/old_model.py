"""A model file of Keras 2: its graph, its options, and its state put into the model that is built."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.facts import NodeFacts
from kbuilder.document.graph import Graph
from kbuilder.document.options import CompileOptions, FitOptions
from kbuilder.document.project import Project
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.import_graph import graph_from
from kbuilder.engine.infer import Inference
from kbuilder.engine.legacy import optimizer_state, weights
from kbuilder.engine.legacy.compile import OldOutput, compile_options
from kbuilder.engine.legacy.origin import Origin
from kbuilder.engine.legacy.upgrade import Upgraded, upgraded
from kbuilder.engine.raw_model import RawModel
from kbuilder.engine.weight_files import Loaded

_MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError)


class OldModel:
    """The configuration of an old file as a project. ``notes`` tell what is lost or means something else."""

    def __init__(self, catalogue: Catalogue, raw: RawModel) -> None:
        self._raw = raw
        self._origin = Origin(raw.keras_version)
        where = f"“{raw.name}”"
        if self._origin.numbers < (2, 0):
            made_by = (
                f"Keras {raw.keras_version}"
                if raw.keras_version
                else "a Keras that it does not name"
            )
            raise FileRefusedError(
                f"{where} was made by {made_by}; files of Keras 2 and 3 can be opened. Load it there and "
                "save it with a newer Keras."
            )
        self.upgraded = self._upgrade(catalogue, where)
        graph = graph_from(catalogue, self.upgraded.config, where)
        facts, _ = Inference(catalogue).infer(graph)
        options, notes = self._options(catalogue, graph, facts)
        fit = FitOptions(begin_with="in use" if raw.file is not None else "fresh")
        self.project = Project(graph=graph, compile=options, fit=fit)
        self.notes = (*self.upgraded.notes, *notes, *_changed_meanings(graph, facts, raw))

    def load(self, built: BuiltModel) -> Loaded:
        """Put the weights into the model; names of the nodes that got some and of those that did not."""
        if self._raw.file is None:
            return (), ()
        return weights.load(self._raw.file, self.upgraded.leaves, _by_name(built))

    def restore_optimizer(self, built: BuiltModel) -> bool:
        """Put the state of the optimizer back; tells whether it was there and fitted."""
        if self._raw.file is None:
            return False
        return optimizer_state.restore(
            self._raw.file, built.model, self.upgraded.leaves, _by_name(built)
        )

    def _upgrade(self, catalogue: Catalogue, where: str) -> Upgraded:
        raw = self._raw

        def shapes(group: str) -> list[tuple[int, ...]]:
            return weights.stored_shapes(raw.file, group) if raw.file is not None else []

        try:
            return upgraded(catalogue, raw.config or {}, self._origin, where, shapes)
        except _MALFORMED as error:
            raise FileRefusedError(
                f"{where} describes its layers in a way that no Keras 2 does ({type(error).__name__}). It is "
                "damaged; use another copy."
            ) from error

    def _options(
        self, catalogue: Catalogue, graph: Graph, facts: Mapping[str, NodeFacts]
    ) -> tuple[CompileOptions, tuple[str, ...]]:
        compiled = self._raw.compiled
        if not isinstance(compiled, dict) or not compiled:
            return CompileOptions(), ()
        names = list(self.upgraded.outputs)
        found = []
        for number, node in enumerate(graph.outputs):
            shown = facts[node.id].outputs if node.id in facts else ()
            shape = shown[0].shape if shown else ()
            name = names[number] if number < len(names) else node.name
            found.append(OldOutput(node, name, shape[-1] if shape else None))
        try:
            return compile_options(catalogue, compiled, found, self._origin)
        except _MALFORMED:
            note = "What it says about its compilation is damaged; choose optimizer and loss under Train."
            return CompileOptions(), (note,)


def _changed_meanings(
    graph: Graph, facts: Mapping[str, NodeFacts], raw: RawModel
) -> tuple[str, ...]:
    """What trains otherwise in Keras 3, whatever is written into the layers."""
    normalized = [node for node in graph.nodes if node.class_name == "BatchNormalization"]
    notes = []
    if raw.compiled and any(
        len(facts[node.id].outputs[0].shape) == 4
        for node in normalized
        if node.id in facts and facts[node.id].outputs
    ):
        notes.append(
            "BatchNormalization of Keras 2 kept n / (n - 1) times the variance of a batch of pictures; that "
            "of Keras 3 keeps the variance. Predictions are the same, and further training nearly so."
        )
    if (
        any(not node.trainable for node in normalized)
        and not Origin(raw.keras_version).is_tensorflow
    ):
        notes.append(
            "Frozen BatchNormalization works with the averages in Keras 3, also while training; that of "
            "Keras 2.1 took each batch's own."
        )
    return tuple(notes)


def _by_name(built: BuiltModel) -> Mapping[str, keras.Layer]:
    return {
        node.name: built.layers[node.id] for node in built.graph.nodes if node.id in built.layers
    }
