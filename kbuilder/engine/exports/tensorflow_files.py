"""Files that predict without Keras: SavedModel, ONNX, LiteRT. Each proved by its own runtime."""

from __future__ import annotations

import contextlib
import json
import keyword
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kbuilder.document.catalogue import Catalogue
from kbuilder.engine.arrays import bare
from kbuilder.engine.exports.proof import Proof, ProofError, ask, compared
from kbuilder.engine.exports.subject import Subject
from kbuilder.engine.wording import plain_text

ONNX_OPSET = 18
_NO_SUCH = re.compile(r"'(tfl?\.\w+)' op")
"""How the LiteRT converter names the operation that it cannot do, in the middle of pages."""

Names = dict[str, list[str]]


def write_saved_model(subject: Subject, path: Path, catalogue: Catalogue) -> Proof:
    """A SavedModel with the function ``serve``, which takes what the model takes.

    ``Model.export`` (keras 3.15) would let augmentation layers go on as in training.
    """
    del catalogue
    model = subject.model
    signature = [
        tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
        for tensor, name in zip(model.inputs, _names(subject)["inputs"], strict=True)
    ]
    archive = keras.export.ExportArchive()
    archive.track(model)

    def serve(inputs: Any) -> Any:
        return model(inputs, training=False)

    with _quiet():
        _converted(lambda: archive.add_endpoint("serve", serve, input_signature=[bare(signature)]))
        archive.write_out(str(path), verbose=False)
    return compared(
        subject, ask("plain_tensorflow.py", [path], subject.inputs, check=subject.check)
    )


def write_onnx(subject: Subject, path: Path, catalogue: Catalogue) -> Proof:
    """An ONNX file whose inputs and outputs are called like the layers."""
    del catalogue
    import tf2onnx

    from kbuilder.engine.exports.onnx_operations import HANDLERS, unknown_operations

    names = _names(subject)
    with _quiet(), _constant_statistics(subject.model):
        traced = _traced(subject, names)
        model, _ = _converted(
            lambda: tf2onnx.convert.from_function(
                traced,
                input_signature=traced.input_signature,
                opset=ONNX_OPSET,
                custom_op_handlers=HANDLERS,
            )
        )
    unknown = sorted(set(unknown_operations(model.graph)))
    if unknown:
        raise ProofError(_cannot(_nothing_for(unknown)))
    path.write_bytes(model.SerializeToString())
    files = {"names.json": json.dumps(names)}
    return compared(
        subject, ask("plain_onnx.py", [path], subject.inputs, files, check=subject.check)
    )


def write_litert(subject: Subject, path: Path, catalogue: Catalogue) -> Proof:
    """A ``.tflite`` file of built-in operations alone, so that every interpreter can run it."""
    del catalogue
    names = _names(subject)
    with _quiet(), _constant_statistics(subject.model):
        concrete = _converted(_traced(subject, names).get_concrete_function)
        # The converter freezes the variables that a module holds; it does not find those of Keras.
        module = tf.Module()
        module.variables_held = [variable.value for variable in subject.model.variables]
        module.serve = concrete
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
        content = _converted(converter.convert)
    path.write_bytes(content)
    files = {"names.json": json.dumps(names)}
    return compared(
        subject, ask("plain_litert.py", [path], subject.inputs, files, check=subject.check)
    )


def _names(subject: Subject) -> Names:
    """Names of inputs and outputs as arguments of a TensorFlow function can have them, each once.

    With another name the LiteRT converter silently makes a file without names.
    """
    taken: set[str] = set()
    names: Names = {}
    for part, wanted in (("inputs", subject.input_names), ("outputs", subject.output_names)):
        names[part] = []
        for name in wanted:
            plain = re.sub(r"\W|^(?=\d)", "_", name)
            while plain in taken or keyword.iskeyword(plain):
                plain += "_"
            taken.add(plain)
            names[part].append(plain)
    return names


def _traced(subject: Subject, names: Names) -> Any:
    """The model as a function from named inputs to named outputs, as it predicts."""
    model = subject.model
    signature = [
        tf.TensorSpec(tensor.shape, tensor.dtype, name=name)
        for tensor, name in zip(model.inputs, names["inputs"], strict=True)
    ]

    def serve(*inputs: Any) -> dict[str, Any]:
        outputs = keras.tree.flatten(model(bare(list(inputs)), training=False))
        return {
            name: tf.identity(values)
            for name, values in zip(names["outputs"], outputs, strict=True)
        }

    return tf.function(serve, input_signature=signature, autograph=False)


@contextlib.contextmanager
def _constant_statistics(model: keras.Model) -> Iterator[None]:
    """Let Normalization hold NumPy arrays, which become constants of the traced function.

    It holds tensors, which tf2onnx 1.17 makes further inputs of the model.
    """
    kept = [
        (layer, layer.mean, layer.variance)
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.Normalization)
    ]
    try:
        for layer, mean, variance in kept:
            layer.mean, layer.variance = np.asarray(mean), np.asarray(variance)
        yield
    finally:
        for layer, mean, variance in kept:
            layer.mean, layer.variance = mean, variance


def _converted(convert: Callable[[], Any]) -> Any:
    """What a converter gives.

    Raises:
        ProofError: it cannot convert the model.
    """
    try:
        return convert()
    except Exception as error:
        missing = list(dict.fromkeys(_NO_SUCH.findall(str(error))))
        reason = _nothing_for(missing) if missing else plain_text(error)
        raise ProofError(_cannot(reason)) from error


def _cannot(reason: str) -> str:
    return f"the network cannot be converted: {reason.rstrip('.')}"


def _nothing_for(operations: Sequence[str]) -> str:
    return f"it has nothing for {' and '.join(operations)}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep TensorFlow's converters from writing page after page to the terminal.

    Some lines come from C++, past Python's own stderr.
    """
    loggers = [logging.getLogger(name) for name in ("tensorflow", "tf2onnx", "absl")]
    levels = [logger.level for logger in loggers]
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        os.dup2(kept, 2)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        os.close(kept)
        os.close(nothing)
