"""What one training is to do, with everything made that it needs."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import tensorflow as tf

from kbuilder.document.options import FitOptions
from kbuilder.engine.batches import Batches
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.checkpoint import State
from kbuilder.engine.runs import Run


@dataclass(frozen=True)
class Plan:
    """What one training is to do: ``validation`` may be None, ``resume`` the state to go on from.

    ``steps_per_call`` is the number of steps in one graph call; 0 finds the best one. ``extend`` is
    how many epochs to add to those done; 0 goes on to ``fit.epochs``. With ``held``, training waits
    before its first step. ``cut_off`` says that the run it goes on from ended without a word.
    ``strategy`` has a copy of the model on each of several devices.
    """

    request: int
    built: BuiltModel
    fit: FitOptions
    train: Batches
    validation: Batches | None
    run: Run
    resume: State | None = None
    source: Run | None = None
    steps_per_call: int = 0
    extend: int = 0
    held: bool = False
    callbacks: tuple[keras.callbacks.Callback, ...] = ()
    strategy: tf.distribute.Strategy | None = None
    cut_off: bool = False

    def epochs_to_reach(self, done: int, steered: int | None) -> int:
        """The epoch to end before, for a training that goes on after ``done`` epochs.

        A run that is complete already goes on for as many epochs again; one that was cut off after its
        last epoch has only to be ended.
        """
        if self.extend:
            return done + self.extend
        epochs = self.fit.epochs if steered is None else steered
        if done < epochs:
            return epochs
        return done if self.cut_off else done + epochs
