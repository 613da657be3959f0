"""What was changed in a run while it trained, as its script does it again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from kbuilder.document.graph import Graph
from kbuilder.document.script.code import Expression, call, sequence, statement, value

_CLASS = '''
class Steering(keras.callbacks.Callback):
    """Changes the learning rate where it was changed by hand."""

    def on_train_begin(self, logs=None):
        self.before = self.done = 0
        self.apply(-1)

    def on_train_batch_end(self, batch, logs=None):
        last, self.done = self.done, self.before + batch + 1
        self.apply(last)

    def on_epoch_end(self, epoch, logs=None):
        self.before = self.done

    def apply(self, last):
        for step, changes in STEERING:
            if last < step <= self.done:
                self.model.optimizer.learning_rate = changes["learning_rate"]
'''
_RATE, _EPOCHS = "learning_rate", "epochs"


class Steered(msgspec.Struct, frozen=True, kw_only=True):
    """A change by hand after ``step`` steps of all epochs, in ``epoch``, both counted from 0.

    ``values`` are those fields of the request ``Steer`` that were set.
    """

    step: int
    epoch: int
    values: dict[str, Any]


class SteeringWriter:
    """Writes the learning rates as data, and says in comments what the script does not do again.

    ``epochs`` is the epoch that the run was told last to end before, None if it never was.
    """

    def __init__(self, steered: Sequence[Steered], graph: Graph) -> None:
        self._steered = steered
        self._graph = graph
        self._rates = [each for each in steered if _RATE in each.values]
        told = [each.values[_EPOCHS] for each in steered if _EPOCHS in each.values]
        self.epochs: int | None = told[-1] if told else None

    @property
    def callbacks(self) -> list[Expression]:
        """The callback to fit with, if any is needed."""
        return [call("Steering")] if self._rates else []

    def constants(self) -> list[str]:
        """The learning rates by step."""
        rows = [
            sequence([value(each.step), value({_RATE: float(each.values[_RATE])})], "()")
            for each in self._rates
        ]
        return statement(sequence(rows), "STEERING = ", depth=0) if rows else []

    def section(self) -> list[str]:
        """The class of the callback."""
        return _CLASS.strip("\n").splitlines() if self._rates else []

    def notes(self) -> list[str]:
        """A sentence for each change that is left to the reader."""
        return [
            f"Not done here: {words} in epoch {each.epoch + 1}, after step {each.step}."
            for each in self._steered
            for words in self._left_out(each.values)
        ]

    def _left_out(self, values: dict[str, Any]) -> Iterable[str]:
        if "batch_size" in values:
            yield f"batches of {values['batch_size']} samples from the epoch that began next, chosen"
        for node, frozen in values.get("frozen", {}).items():
            found = self._graph.by_id.get(node)
            yield f"“{found.name if found else node}” {'frozen' if frozen else 'freed'}"
        if "augment" in values:
            yield f"augmentation turned {'on' if values['augment'] else 'off'}"
