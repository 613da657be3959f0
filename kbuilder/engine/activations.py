"""What a layer puts out for chosen samples, equal to ``keras.Model(inputs, layer.output).predict``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from kbuilder.document.errors import KBuilderError
from kbuilder.engine.arrays import bare, to_array
from kbuilder.engine.build import BuiltModel
from kbuilder.link.events import ActivationsComputed

Arrays = Mapping[str, np.ndarray]

BATCH_SIZE = 32
"""Samples in one call, as in ``Model.predict``, so that the results are the same to the last bit."""


class Probe:
    """Looks into one model with one data set. Keeps the sub-model of each node it has looked at.

    ``inputs`` and ``targets`` go by node id; the first dimension is the sample.
    """

    def __init__(self, built: BuiltModel, inputs: Arrays, targets: Arrays) -> None:
        self._built = built
        self._inputs = inputs
        self._targets = targets
        self._models: dict[str, keras.Model] = {}

    def compute(
        self, request: int, node: str, samples: Sequence[int], epoch: int | None = None
    ) -> ActivationsComputed:
        """Outputs of the first output port of ``node`` for the samples with these row numbers.

        Raises:
            KBuilderError: the model has no such node, or the data no such row.
        """
        graph = self._built.graph
        self._refuse(node, samples)
        rows = list(samples)
        inputs = {entry.id: self._inputs[entry.id][rows] for entry in graph.inputs}
        activations, *outputs = self._predict(node, list(inputs.values()))
        return ActivationsComputed(
            request=request,
            node=node,
            samples=tuple(samples),
            activations=to_array(activations.astype(np.float32)),
            inputs={name: to_array(values) for name, values in inputs.items()},
            outputs={
                entry.id: to_array(values.astype(np.float32))
                for entry, values in zip(graph.outputs, outputs, strict=True)
            },
            truth={
                entry.id: to_array(self._targets[entry.id][rows])
                for entry in graph.outputs
                if entry.id in self._targets
            },
            epoch=epoch,
        )

    def _refuse(self, node: str, samples: Sequence[int]) -> None:
        if node not in self._built.tensors:
            raise KBuilderError(
                "The chosen layer is not in the network as it was trained. "
                "Train the network again or choose another layer."
            )
        for entry in self._built.graph.inputs:
            if entry.id not in self._inputs:
                raise KBuilderError(
                    f"No field of the data feeds the input “{entry.name}”. Choose one under Data."
                )
            count = len(self._inputs[entry.id])
            outside = [sample for sample in samples if not 0 <= sample < count]
            if outside or not samples:
                raise KBuilderError(
                    f"{f'Sample {outside[0]}' if outside else 'No sample'} was asked for, and the "
                    f"data has samples 0 to {count - 1}. Choose one of these."
                )

    def _predict(self, node: str, inputs: list[np.ndarray]) -> list[np.ndarray]:
        model = self._model(node)
        parts = [
            model.predict_on_batch(bare([array[start : start + BATCH_SIZE] for array in inputs]))
            for start in range(0, len(inputs[0]), BATCH_SIZE)
        ]
        return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]

    def _model(self, node: str) -> keras.Model:
        if node not in self._models:
            tensors = self._built.tensors
            graph = self._built.graph
            outputs = [tensors[node][0], *(tensors[entry.id][0] for entry in graph.outputs)]
            self._models[node] = keras.Model(bare(self._built.model.inputs), outputs)
        return self._models[node]
