"""The full state of a training: what is needed to go on as if it had never stopped.

A checkpoint is one ``.npz`` without pickle. Its member ``header`` is JSON (as bytes) with the position,
the history and a SHA-256 of every other member. Weights go by the name of their layer and their number
in it, so that they do not depend on the names Keras counts up.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np

from kbuilder.document.atomic import write_atomically
from kbuilder.document.errors import FileRefusedError, KBuilderError

FORMAT_VERSION = 1
HEADER = "header"
CALLBACKS = "callbacks"

Arrays = dict[str, np.ndarray]

DAMAGE = (
    AttributeError,  # a member that is not an array
    EOFError,
    KeyError,
    MemoryError,  # an array header that asks for more than there is
    OSError,
    RuntimeError,  # zip flags for encryption or unknown compression
    ValueError,
    msgspec.MsgspecError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What a damaged checkpoint makes zipfile, NumPy and msgspec raise."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint says about its arrays. Epochs count from 0."""

    format_version: int
    epoch: int
    step: int
    steps_per_epoch: int
    history: list[dict[str, float | None]]
    optimizer_class: str
    trainable: list[str]
    digests: dict[str, str]
    done: int = -1
    steered: dict[str, Any] = {}


@dataclass(frozen=True)
class State:
    """All variables of a model in training.

    ``epoch`` epochs are complete and ``step`` steps of the next one are done. ``trainable`` are the
    keys in ``weights`` that the optimizer moves, in its order. ``metrics`` matter within an epoch.
    ``generators`` are the states of random generators of the data. ``callbacks`` holds what each
    callback remembers, and ``steered`` what was changed while the run was on. ``done`` counts the steps
    over all epochs.
    """

    weights: Arrays
    optimizer: list[np.ndarray] = field(default_factory=list)
    metrics: list[np.ndarray] = field(default_factory=list)
    optimizer_class: str = ""
    trainable: tuple[str, ...] = ()
    epoch: int = 0
    step: int = 0
    steps_per_epoch: int = 0
    done: int = 0
    history: tuple[dict[str, float], ...] = ()
    generators: list[np.ndarray] = field(default_factory=list)
    callbacks: tuple[dict[str, Any], ...] = ()
    steered: dict[str, Any] = field(default_factory=dict)

    def at(
        self,
        epoch: int,
        step: int,
        steps_per_epoch: int,
        history: Iterable[dict[str, float]],
        done: int | None = None,
    ) -> State:
        """The same variables at another position; ``done`` as if all epochs had the same steps."""
        return replace(
            self,
            epoch=epoch,
            step=step,
            steps_per_epoch=steps_per_epoch,
            history=tuple(history),
            done=epoch * steps_per_epoch + step if done is None else done,
        )


def capture(model: keras.Model) -> State:
    """A copy of all variables, at position 0."""
    named = _variables(model)
    keys = {id(variable): key for key, variable in named.items()}
    optimizer: Any = getattr(model, "optimizer", None)
    built = optimizer is not None and optimizer.built
    return State(
        weights={key: _copy(variable) for key, variable in named.items()},
        optimizer=[_copy(variable) for variable in optimizer.variables] if built else [],
        metrics=[_copy(variable) for variable in model.metrics_variables],
        optimizer_class=type(optimizer).__name__ if built else "",
        trainable=tuple(keys[id(variable)] for variable in model.trainable_variables),
    )


def restore(model: keras.Model, state: State) -> bool:
    """Put the variables back; tells whether the optimizer's state could go on.

    It cannot when the optimizer is another one or other layers are frozen now: then it starts afresh
    with the weights kept. Metrics are restored if the model has made theirs already.

    Raises:
        KBuilderError: the model has other layers or other shapes than the state.
    """
    named = _variables(model)
    _refuse_other_model(named, state)
    for key, variable in named.items():
        variable.assign(state.weights[key])
    if len(model.metrics_variables) == len(state.metrics):
        for variable, values in zip(model.metrics_variables, state.metrics, strict=True):
            variable.assign(values)
    return _restore_optimizer(model, state, named)


def write_state(state: State, path: Path) -> None:
    """Write a checkpoint in one step.

    Raises:
        SaveError: it could not be written; the checkpoint before it is still there.
    """
    arrays: Arrays = {
        **{f"weights/{key}": values for key, values in state.weights.items()},
        **{f"optimizer/{number}": values for number, values in enumerate(state.optimizer)},
        **{f"metrics/{number}": values for number, values in enumerate(state.metrics)},
        **{f"generators/{number}": values for number, values in enumerate(state.generators)},
        CALLBACKS: _as_bytes(state.callbacks),
    }
    header = Header(
        format_version=FORMAT_VERSION,
        epoch=state.epoch,
        step=state.step,
        steps_per_epoch=state.steps_per_epoch,
        history=[dict(logs) for logs in state.history],
        optimizer_class=state.optimizer_class,
        trainable=list(state.trainable),
        done=state.done,
        digests={key: _digest(values) for key, values in arrays.items()},
        steered=state.steered,
    )
    arrays[HEADER] = np.frombuffer(msgspec.json.encode(header), np.uint8)

    def write(temporary: Path) -> None:
        with temporary.open("xb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    write_atomically(path, write)


def read_state(path: Path) -> State:
    """Read a checkpoint and prove it against its digests.

    Raises:
        FileRefusedError: it is missing, cut off, changed, or of a newer version.
    """
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as members:
            arrays = {key: members[key] for key in members.files}
        header = msgspec.json.decode(arrays.pop(HEADER).tobytes(), type=Header)
    except FileNotFoundError as error:
        raise FileRefusedError(
            f"“{path}” is not there: the run has not reached its first checkpoint. Train it again."
        ) from error
    except DAMAGE as error:
        raise _damaged(path, str(error)) from error
    if header.format_version > FORMAT_VERSION:
        raise FileRefusedError(
            f"“{path}” was made by a newer kbuilder (checkpoint version {header.format_version}). "
            "Update kbuilder to open it."
        )
    for key, digest in header.digests.items():
        if key not in arrays or _digest(arrays[key]) != digest:
            raise _damaged(path, f"{key} is missing or changed")
    return State(
        weights=_under(arrays, "weights"),
        optimizer=list(_under(arrays, "optimizer").values()),
        metrics=list(_under(arrays, "metrics").values()),
        optimizer_class=header.optimizer_class,
        trainable=tuple(header.trainable),
        epoch=header.epoch,
        step=header.step,
        steps_per_epoch=header.steps_per_epoch,
        done=header.done
        if header.done >= 0
        else header.epoch * header.steps_per_epoch + header.step,
        history=tuple(_with_nan(logs) for logs in header.history),
        generators=list(_under(arrays, "generators").values()),
        callbacks=_from_bytes(arrays[CALLBACKS]) if CALLBACKS in arrays else (),
        steered=header.steered,
    )


def _variables(model: keras.Model) -> dict[str, Any]:
    """Every variable of the layers, seed generators included, by layer name and number in it."""
    named: dict[str, Any] = {}
    seen: set[int] = set()
    for layer in model.layers:
        for number, variable in enumerate(layer.variables):
            if id(variable) not in seen:
                seen.add(id(variable))
                named[f"{layer.name}/{number}"] = variable
    return named


def _refuse_other_model(named: dict[str, Any], state: State) -> None:
    wanted = {key: tuple(variable.shape) for key, variable in named.items()}
    found = {key: values.shape for key, values in state.weights.items()}
    different = sorted(
        key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)
    )
    if different:
        layers = ", ".join(dict.fromkeys(f"“{key.rpartition('/')[0]}”" for key in different[:5]))
        raise KBuilderError(
            f"The saved state belongs to another network: {layers} differs in weights or their "
            "shapes. Train anew, or undo the change to the network."
        )


def _restore_optimizer(model: keras.Model, state: State, named: dict[str, Any]) -> bool:
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return False
    if not optimizer.built:  # LossScaleOptimizer would make its variables twice (keras 3.15)
        optimizer.build(model.trainable_variables)
    keys = {id(variable): key for key, variable in named.items()}
    trainable = tuple(keys[id(variable)] for variable in model.trainable_variables)
    fits = (
        state.optimizer_class == type(optimizer).__name__
        and state.trainable == trainable
        and [tuple(variable.shape) for variable in optimizer.variables]
        == [values.shape for values in state.optimizer]
    )
    if fits:
        for variable, values in zip(optimizer.variables, state.optimizer, strict=True):
            variable.assign(values)
    return fits


def _under(arrays: Arrays, folder: str) -> Arrays:
    start = f"{folder}/"
    return {
        key.removeprefix(start): values for key, values in arrays.items() if key.startswith(start)
    }


def _as_bytes(callbacks: Iterable[dict[str, Any]]) -> np.ndarray:
    """What callbacks remember, as MessagePack: JSON has no infinity, with which many of them begin."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.number):
            return value.item()
        if isinstance(value, np.ndarray):
            return {"dtype": value.dtype.name, "shape": value.shape, "data": value.tobytes()}
        raise NotImplementedError

    encoder = msgspec.msgpack.Encoder(enc_hook=plain)
    return np.frombuffer(encoder.encode(list(callbacks)), np.uint8)


def _from_bytes(values: np.ndarray) -> tuple[dict[str, Any], ...]:
    def revived(value: Any) -> Any:
        if isinstance(value, list):
            return [revived(each) for each in value]
        if isinstance(value, dict):
            return np.frombuffer(value["data"], value["dtype"]).reshape(value["shape"])
        return value

    states = msgspec.msgpack.decode(values.tobytes())
    return tuple({name: revived(value) for name, value in state.items()} for state in states)


def _copy(variable: Any) -> np.ndarray:
    return np.array(variable.numpy())


def _digest(values: np.ndarray) -> str:
    digest = hashlib.sha256(f"{values.dtype} {values.shape}".encode())
    digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _with_nan(logs: dict[str, float | None]) -> dict[str, float]:
    """JSON has no NaN and no infinity; both come back as NaN."""
    return {name: math.nan if value is None else value for name, value in logs.items()}


def _damaged(path: Path, reason: str) -> FileRefusedError:
    return FileRefusedError(
        f"The checkpoint “{path}” is damaged ({reason}) and was left as it is. "
        "Use another run or train again."
    )
