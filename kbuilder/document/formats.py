"""The formats a network can be written in: their endings, what they hold, what they need.

Whoever writes, offers or explains a format reads this table; nothing else knows an ending.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from kbuilder.document.errors import KBuilderError

FormatGroup = Literal["keras", "runtime", "code", "picture"]
Package = tuple[str, str]
"""What is imported, and what pip calls it."""

ONNX: tuple[Package, ...] = (
    ("onnx", "onnx"),
    ("tf2onnx", "tf2onnx"),
    ("onnxruntime", "onnxruntime"),
)
LITERT: tuple[Package, ...] = (("ai_edge_litert", "ai-edge-litert"),)


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """One format.

    The first of ``endings`` is the usual one. With ``by_name`` an ending alone never means this
    format: it has to be asked for by its ``id``. ``needs`` are packages beside our own that write and
    prove it. ``folder`` formats are folders with several files. ``drawn`` ones show the network and
    hold no model: the window draws them.
    """

    id: str
    group: FormatGroup
    title: str
    endings: tuple[str, ...]
    holds: str
    needs: tuple[Package, ...] = ()
    by_name: bool = False
    weights: bool = False
    folder: bool = False
    drawn: bool = False


FORMATS = (
    Format(
        id="hdf5",
        group="keras",
        title="Keras model, HDF5",
        endings=(".hdf5", ".h5"),
        holds="layers, weights, compile options and the optimizer's state, for Keras 3",
    ),
    Format(
        id="keras",
        group="keras",
        title="Keras model, .keras",
        endings=(".keras",),
        holds="layers, weights, compile options and the optimizer's state, for Keras 3; also operations",
    ),
    Format(
        id="tf_keras_hdf5",
        group="keras",
        title="Keras model for tf.keras 2.x, HDF5",
        endings=(".hdf5", ".h5"),
        holds="layers, weights, compile options and the optimizer's state, for TensorFlow 2's own Keras",
        needs=(("tf_keras", "tf-keras"),),
        by_name=True,
    ),
    Format(
        id="weights",
        group="keras",
        title="Weights alone, Keras 3",
        endings=(".weights.h5",),
        holds="weights, for the same network in Keras 3",
        weights=True,
    ),
    Format(
        id="weights_hdf5",
        group="keras",
        title="Weights alone, the older layout",
        endings=("_weights.h5", "_weights.hdf5"),
        holds="weights by the name of their layer, for every Keras",
        weights=True,
    ),
    Format(
        id="json",
        group="keras",
        title="Keras JSON",
        endings=(".json",),
        holds="layers without weights",
    ),
    Format(
        id="saved_model",
        group="runtime",
        title="TensorFlow SavedModel",
        endings=(".savedmodel", ""),
        holds="a folder with the network and its weights, to predict with TensorFlow alone",
        folder=True,
    ),
    Format(
        id="onnx",
        group="runtime",
        title="ONNX",
        endings=(".onnx",),
        holds="the network and its weights, to predict with ONNX Runtime and many others",
        needs=ONNX,
    ),
    Format(
        id="tflite",
        group="runtime",
        title="LiteRT (TensorFlow Lite)",
        endings=(".tflite",),
        holds="the network and its weights, to predict on phones and small machines",
        needs=LITERT,
    ),
    Format(
        id="python",
        group="code",
        title="Python script",
        endings=(".py",),
        holds="plain Keras: data, layers, compile and fit; it runs without kbuilder",
    ),
    Format(
        id="svg",
        group="picture",
        title="Picture, SVG",
        endings=(".svg",),
        holds="the whole graph as drawn, sharp at any size, its text as text",
        drawn=True,
    ),
    Format(
        id="pdf",
        group="picture",
        title="Picture, PDF",
        endings=(".pdf",),
        holds="the whole graph as drawn, on one page of its size",
        drawn=True,
    ),
    Format(
        id="png",
        group="picture",
        title="Picture, PNG",
        endings=(".png",),
        holds="the whole graph as drawn, in pixels",
        drawn=True,
    ),
    Format(
        id="text",
        group="picture",
        title="Summary, text",
        endings=(".txt",),
        holds="a table of the layers with shapes and parameters, losses and sums",
    ),
    Format(
        id="markdown",
        group="picture",
        title="Summary, Markdown",
        endings=(".md",),
        holds="the same table in Markdown",
    ),
)

BY_ID = {each.id: each for each in FORMATS}


def chosen_format(path: Path, format_id: str = "", weights_only: bool = False) -> Format:
    """The format to write: the one asked for, else the one that the ending means.

    Raises:
        KBuilderError: there is no such format, or the ending means none or another one.
    """
    if format_id and format_id not in BY_ID:
        raise KBuilderError(
            f"There is no format “{format_id}”; there are {', '.join(BY_ID)}. Choose one of these."
        )
    if path.suffix != path.suffix.lower():
        raise _ending_error(path, f"“{path.suffix.lower()}”, as Keras reads only small letters")
    if weights_only:
        return _weights_format(path, format_id)
    if format_id:
        return _asked_for(path, BY_ID[format_id])
    means = _by_ending(path)
    if means is None:
        raise _ending_error(path, known_endings())
    return means


def known_endings() -> str:
    """The endings that mean a format, for a sentence."""
    endings = [end for each in FORMATS if not each.by_name for end in each.endings if end]
    return f"{', '.join(endings[:-1])} or {endings[-1]}"


def _by_ending(path: Path) -> Format | None:
    """The format whose longest ending fits; a name without any ending means a folder."""
    name = path.name.lower()
    fitting = [
        (len(end), each)
        for each in FORMATS
        for end in each.endings
        if not each.by_name and end and name.endswith(end)
    ]
    if fitting:
        return max(fitting, key=lambda pair: pair[0])[1]
    return None if path.suffix else BY_ID["saved_model"]


def _asked_for(path: Path, wanted: Format) -> Format:
    fits = any(path.name.lower().endswith(end) for end in wanted.endings)
    if wanted.weights:
        fits = path.name.lower().endswith((".h5", ".hdf5"))
    if not fits:
        raise _ending_error(path, f"{wanted.endings[0]} for {wanted.title}")
    return wanted


def _weights_format(path: Path, format_id: str) -> Format:
    """Every ``.h5`` and ``.hdf5`` can hold weights alone; only ``.weights.h5`` in Keras 3's layout."""
    name = path.name.lower()
    wanted = BY_ID[format_id] if format_id else None
    if not name.endswith((".h5", ".hdf5")):
        raise _ending_error(path, ".weights.h5, .h5 or .hdf5 for weights alone")
    if wanted is not None and wanted.weights:
        return wanted
    return BY_ID["weights" if name.endswith(".weights.h5") else "weights_hdf5"]


def _ending_error(path: Path, wanted: str) -> KBuilderError:
    found = f"ends in “{path.suffix}”" if path.suffix else "has no ending"
    return KBuilderError(f"“{path.name}” {found}; expected {wanted}. Choose such a name.")
