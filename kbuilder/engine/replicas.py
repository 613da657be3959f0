"""Training on chosen devices: one of them, or a copy of the model on each of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import tensorflow as tf

from kbuilder.document.errors import KBuilderError
from kbuilder.engine.batches import Batches

Tensor = Any


def strategy_for(devices: Sequence[str]) -> tf.distribute.Strategy | None:
    """What spreads training over several devices; None for at most one of them.

    Raises:
        KBuilderError: one of them is not there.
    """
    known = {f"{each.device_type}:{each.name.rpartition(':')[2]}" for each in _logical()}
    for name in devices:
        if name not in known:
            raise KBuilderError(
                f"There is no device “{name}” on this machine; there are {', '.join(sorted(known))}. "
                "Choose one of these."
            )
    if len(devices) < 2:
        return None
    # Without NCCL, which CPUs and some GPUs do not have, sums are made by copies.
    across = (
        None
        if all(name.startswith("GPU") for name in devices)
        else (tf.distribute.ReductionToOneDevice())
    )
    return tf.distribute.MirroredStrategy([f"/{name}" for name in devices], across)


def scope_of(strategy: tf.distribute.Strategy | None) -> AbstractContextManager[Any]:
    """The scope of a strategy, or none."""
    scope: AbstractContextManager[Any] = strategy.scope() if strategy else nullcontext()
    return scope


def device_scope(
    devices: Sequence[str], strategy: tf.distribute.Strategy | None
) -> AbstractContextManager[Any]:
    """Where a model is made and trained: in the strategy's scope, on the one device, or anywhere."""
    if strategy is None and devices:
        chosen: AbstractContextManager[Any] = tf.device(f"/{devices[0]}")
        return chosen
    return scope_of(strategy)


def refuse_uneven(batches: Batches, replicas: int) -> None:
    """Refuse batches of which one has fewer samples than there are replicas.

    Raises:
        KBuilderError: there is such a batch.
    """
    last = batches.samples % batches.batch_size or batches.batch_size
    if last < replicas:
        raise KBuilderError(
            f"The last batch of an epoch has {last} sample{'' if last == 1 else 's'}, too few for "
            f"{replicas} devices. Choose another batch size, or fewer devices."
        )


def on_replicas(
    strategy: tf.distribute.Strategy,
    step: Callable[[Any, Any, Any], tuple[Tensor, Tensor]],
    batch: Callable[[], tuple[Any, Any, Any]],
) -> tuple[Tensor, Tensor]:
    """One step with an equal part of the batch on each device: the batch's loss, and no norm."""

    def replica() -> Tensor:
        loss, _ = step(*_part(batch()))
        return loss

    losses = strategy.run(replica)
    whole = strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
    return whole, tf.constant(float("nan"))


def _part(batch: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
    """The samples of a batch that fall to this replica."""
    context = tf.distribute.get_replica_context()
    size = tf.shape(keras.tree.flatten(batch[0])[0])[0]
    count = context.num_replicas_in_sync
    each = (size + count - 1) // count
    start = tf.cast(context.replica_id_in_sync_group, tf.int32) * each

    def cut(values: Tensor) -> Tensor:
        return None if values is None else values[start : tf.minimum(start + each, size)]

    parts = [None if part is None else tf.nest.map_structure(cut, part) for part in batch]
    return parts[0], parts[1], parts[2]


def _logical() -> list[Any]:
    return [*tf.config.list_logical_devices("CPU"), *tf.config.list_logical_devices("GPU")]
