"""Writes the bundled templates: ``python packaging/make_templates.py``.

Each template is written here as plain Keras, read as a graph like any model file, and laid out. What it
writes is committed; the result is the same each time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import msgspec
from keras import layers
from msgspec.structs import replace

from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.fragment import Fragment, cut_out
from kbuilder.document.fragment_json import encode
from kbuilder.document.graph import INPUT_CLASS, Graph, Group
from kbuilder.document.layout import layout
from kbuilder.document.templates import INDEX, Template
from kbuilder.engine.import_graph import graph_from
from kbuilder.resources import resource

Tensor = Any
Build = Callable[[], keras.Model]
_MADE: list[tuple[Template, Build]] = []


def template(title: str, kind: str, text: str, *shape: int) -> Callable[[Build], Build]:
    """Register a function that makes the Keras model of a template; ``shape`` feeds a block in tests."""

    def register(build: Build) -> Build:
        name = build.__name__
        _MADE.append((Template(name=name, title=title, kind=kind, help=text, shape=shape), build))
        return build

    return register


def model(title: str, text: str) -> Callable[[Build], Build]:
    """A whole network with its inputs."""
    return template(title, "model", text)


def block(title: str, text: str, *shape: int) -> Callable[[Build], Build]:
    """A piece of a network that is fed by what it is put behind."""
    return template(title, "block", text, *shape)


# --- models -------------------------------------------------------------------------------------


@model("MLP", "Two hidden layers with dropout and ten classes, for tables and flat vectors.")
def mlp() -> keras.Model:
    points = layers.Input((20,), name="features")
    x = points
    for number in (1, 2):
        x = layers.Dense(64, activation="relu", name=f"hidden_{number}")(x)
        x = layers.Dropout(0.3, name=f"dropout_{number}")(x)
    return keras.Model(points, layers.Dense(10, activation="softmax", name="classes")(x))


@model("LeNet-5", "LeCun's network of 1998 for handwritten digits of 32 by 32 pixels.")
def lenet() -> keras.Model:
    image = layers.Input((32, 32, 1), name="image")
    x = layers.Conv2D(6, 5, activation="tanh", name="conv_1")(image)
    x = layers.AveragePooling2D(2, name="pool_1")(x)
    x = layers.Conv2D(16, 5, activation="tanh", name="conv_2")(x)
    x = layers.AveragePooling2D(2, name="pool_2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(120, activation="tanh", name="dense_1")(x)
    x = layers.Dense(84, activation="tanh", name="dense_2")(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="digit")(x))


@model("U-Net", "Segmentation: two levels down, two up, with skips that keep the outlines.")
def u_net() -> keras.Model:
    image = layers.Input((64, 64, 3), name="image")
    x, skips = image, []
    for level, filters in ((1, 16), (2, 32)):
        x = _twice(x, filters, f"down_{level}")
        skips.append(x)
        x = layers.MaxPooling2D(2, name=f"pool_{level}")(x)
    x = _twice(x, 64, "bottom")
    for level, filters in ((2, 32), (1, 16)):
        x = layers.Conv2DTranspose(filters, 2, strides=2, name=f"widen_{level}")(x)
        x = layers.Concatenate(name=f"join_{level}")([skips[level - 1], x])
        x = _twice(x, filters, f"up_{level}")
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x))


@model("Autoencoder", "Squeezes pictures through a narrow code and draws them again.")
def autoencoder() -> keras.Model:
    image = layers.Input((28, 28, 1), name="image")
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu", name="encode_1")(image)
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="encode_2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(16, activation="relu", name="code")(x)
    x = layers.Dense(7 * 7 * 8, activation="relu", name="unfold")(x)
    x = layers.Reshape((7, 7, 8), name="picture")(x)
    x = layers.Conv2DTranspose(
        16, 3, strides=2, padding="same", activation="relu", name="decode_1"
    )(x)
    return keras.Model(
        image,
        layers.Conv2DTranspose(
            1, 3, strides=2, padding="same", activation="sigmoid", name="decode_2"
        )(x),
    )


@model(
    "VAE encoder",
    "Mean and logarithm of the variance of a code, and a code drawn from them. Noise is only added in "
    "training.",
)
def vae_encoder() -> keras.Model:
    image = layers.Input((28, 28, 1), name="image")
    x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu", name="conv_1")(image)
    x = layers.Conv2D(64, 3, strides=2, padding="same", activation="relu", name="conv_2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(16, activation="relu", name="dense")(x)
    mean = layers.Dense(2, name="z_mean")(x)
    log_variance = layers.Dense(2, name="z_log_var")(x)
    half = layers.Rescaling(0.5, name="half")(log_variance)
    deviation = layers.Activation("exponential", name="deviation")(half)
    nothing = layers.Rescaling(0.0, name="nothing")(mean)
    noise = layers.GaussianNoise(1.0, name="noise")(nothing)
    spread = layers.Multiply(name="spread")([deviation, noise])
    code = layers.Add(name="z")([mean, spread])
    return keras.Model(image, [mean, log_variance, code])


@model("VAE decoder", "From a code of two numbers back to a picture.")
def vae_decoder() -> keras.Model:
    code = layers.Input((2,), name="z")
    x = layers.Dense(7 * 7 * 64, activation="relu", name="unfold")(code)
    x = layers.Reshape((7, 7, 64), name="picture")(x)
    for number, filters in ((1, 64), (2, 32)):
        x = layers.Conv2DTranspose(
            filters, 3, strides=2, padding="same", activation="relu", name=f"widen_{number}"
        )(x)
    return keras.Model(
        code, layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid", name="image")(x)
    )


@model("LSTM text classifier", "Word numbers, an embedding, two directions, one probability.")
def lstm_text() -> keras.Model:
    words = layers.Input((200,), dtype="int32", name="words")
    x = layers.Embedding(20000, 64, mask_zero=True, name="embedding")(words)
    x = layers.LSTM(64, return_sequences=True, name="lstm_1")(x)
    x = layers.LSTM(32, name="lstm_2")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    return keras.Model(words, layers.Dense(1, activation="sigmoid", name="sentiment")(x))


@model("Transformer classifier", "One encoder block over embedded words, averaged, two classes.")
def transformer_text() -> keras.Model:
    words = layers.Input((200,), dtype="int32", name="words")
    x = layers.Embedding(20000, 64, name="embedding")(words)
    x = _encoder(x, heads=4, width=64, name="encoder")
    x = layers.GlobalAveragePooling1D(name="average")(x)
    x = layers.Dropout(0.1, name="dropout")(x)
    return keras.Model(words, layers.Dense(2, activation="softmax", name="classes")(x))


@model(
    "Two towers", "Users and items, each shaped by a tower of its own, compared by a dot product."
)
def two_towers() -> keras.Model:
    towers, inputs = [], []
    for side, count in (("user", 10000), ("item", 5000)):
        number = layers.Input((), dtype="int32", name=side)
        x = layers.Embedding(count, 32, name=f"{side}_embedding")(number)
        x = layers.Dense(64, activation="relu", name=f"{side}_dense")(x)
        x = layers.Dense(32, name=f"{side}_vector")(x)
        towers.append(layers.UnitNormalization(name=f"{side}_unit")(x))
        inputs.append(number)
    return keras.Model(inputs, layers.Dot(axes=1, name="likeness")(towers))


@model("GAN generator", "From noise to a picture of 28 by 28 pixels.")
def gan_generator() -> keras.Model:
    noise = layers.Input((128,), name="noise")
    x = layers.Dense(7 * 7 * 128, name="unfold")(noise)
    x = layers.BatchNormalization(name="norm_1")(x)
    x = layers.LeakyReLU(0.2, name="leaky_1")(x)
    x = layers.Reshape((7, 7, 128), name="picture")(x)
    x = layers.Conv2DTranspose(64, 4, strides=2, padding="same", name="widen_1")(x)
    x = layers.BatchNormalization(name="norm_2")(x)
    x = layers.LeakyReLU(0.2, name="leaky_2")(x)
    return keras.Model(
        noise,
        layers.Conv2DTranspose(
            1, 4, strides=2, padding="same", activation="tanh", name="fake_image"
        )(x),
    )


@model("GAN discriminator", "Tells drawn pictures from real ones.")
def gan_discriminator() -> keras.Model:
    image = layers.Input((28, 28, 1), name="image")
    x = image
    for number, filters in ((1, 64), (2, 128)):
        x = layers.Conv2D(filters, 4, strides=2, padding="same", name=f"conv_{number}")(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_{number}")(x)
        x = layers.Dropout(0.3, name=f"dropout_{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(image, layers.Dense(1, activation="sigmoid", name="real")(x))


# --- blocks -------------------------------------------------------------------------------------


@block("VGG block", "Two 3 by 3 convolutions and a pooling that halves the picture.", 32, 32, 3)
def vgg_block() -> keras.Model:
    image = layers.Input((32, 32, 3))
    x = _twice(image, 64, "vgg")
    return keras.Model(image, layers.MaxPooling2D(2, name="vgg_pool")(x))


@block("Residual block", "Two convolutions with a shortcut around them (ResNet).", 32, 32, 16)
def residual_block() -> keras.Model:
    image = layers.Input((32, 32, 16))
    x = layers.Conv2D(64, 3, padding="same", use_bias=False, name="residual_conv_1")(image)
    x = layers.BatchNormalization(name="residual_norm_1")(x)
    x = layers.ReLU(name="residual_relu_1")(x)
    x = layers.Conv2D(64, 3, padding="same", use_bias=False, name="residual_conv_2")(x)
    x = layers.BatchNormalization(name="residual_norm_2")(x)
    shortcut = layers.Conv2D(64, 1, use_bias=False, name="residual_shortcut")(image)
    x = layers.Add(name="residual_add")([shortcut, x])
    return keras.Model(image, layers.ReLU(name="residual_relu_2")(x))


@block("Inception block", "Four views of the same picture, side by side (GoogLeNet).", 32, 32, 64)
def inception_block() -> keras.Model:
    image = layers.Input((32, 32, 64))
    options = {"padding": "same", "activation": "relu"}
    one = layers.Conv2D(64, 1, **options, name="inception_1x1")(image)
    three = layers.Conv2D(48, 1, **options, name="inception_3x3_reduce")(image)
    three = layers.Conv2D(64, 3, **options, name="inception_3x3")(three)
    five = layers.Conv2D(16, 1, **options, name="inception_5x5_reduce")(image)
    five = layers.Conv2D(32, 5, **options, name="inception_5x5")(five)
    pool = layers.MaxPooling2D(3, strides=1, padding="same", name="inception_pool")(image)
    pool = layers.Conv2D(32, 1, **options, name="inception_pool_1x1")(pool)
    views = [one, three, five, pool]
    return keras.Model(image, layers.Concatenate(name="inception_join")(views))


@block("Squeeze and excite", "Weighs the channels by what the whole picture shows.", 32, 32, 64)
def squeeze_excite() -> keras.Model:
    image = layers.Input((32, 32, 64))
    x = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(image)
    x = layers.Dense(16, activation="relu", name="reduce")(x)
    x = layers.Dense(64, activation="sigmoid", name="excite")(x)
    return keras.Model(image, layers.Multiply(name="weigh")([image, x]))


@block("Transformer encoder", "Self-attention and a dense part, each with a shortcut.", 100, 64)
def transformer_encoder() -> keras.Model:
    words = layers.Input((100, 64))
    return keras.Model(words, _encoder(words, heads=4, width=64, name="encoder"))


def _twice(x: Tensor, filters: int, name: str) -> Tensor:
    for number in (1, 2):
        x = layers.Conv2D(
            filters, 3, padding="same", activation="relu", name=f"{name}_conv_{number}"
        )(x)
    return x


def _encoder(x: Tensor, heads: int, width: int, name: str) -> Tensor:
    seen = layers.MultiHeadAttention(heads, width // heads, name=f"{name}_attention")(x, x)
    seen = layers.Dropout(0.1, name=f"{name}_dropout_1")(seen)
    x = layers.Add(name=f"{name}_add_1")([x, seen])
    x = layers.LayerNormalization(name=f"{name}_norm_1")(x)
    wide = layers.Dense(2 * width, activation="relu", name=f"{name}_widen")(x)
    wide = layers.Dense(width, name=f"{name}_narrow")(wide)
    wide = layers.Dropout(0.1, name=f"{name}_dropout_2")(wide)
    x = layers.Add(name=f"{name}_add_2")([x, wide])
    return layers.LayerNormalization(name=f"{name}_norm_2")(x)


# --- writing ------------------------------------------------------------------------------------


def main() -> None:
    """Write every template and the list of them."""
    catalogue = load_catalogue()
    folder = resource("templates")
    folder.mkdir(exist_ok=True)
    for made, build in _MADE:
        plain = json.loads(build().to_json())
        graph = graph_from(catalogue, plain, made.title)
        (folder / f"{made.name}.json").write_bytes(encode(_fragment(graph, made)) + b"\n")
    index = msgspec.json.encode([made for made, _ in _MADE])
    (folder / INDEX).write_bytes(msgspec.json.format(index, indent=2) + b"\n")


def _fragment(graph: Graph, made: Template) -> Fragment:
    places = layout(graph)
    nodes = [replace(node, x=places[node.id][0], y=places[node.id][1]) for node in graph.nodes]
    if made.kind == "model":
        return cut_out(replace(graph, nodes=tuple(nodes)), [node.id for node in nodes])
    whole = replace(
        graph,
        nodes=tuple(
            node if node.class_name == INPUT_CLASS else replace(node, group=made.name)
            for node in nodes
        ),
        groups=(Group(id=made.name, name=made.name),),
    )
    inside = [node.id for node in nodes if node.class_name != INPUT_CLASS]
    cut = cut_out(whole, inside)
    return replace(cut, inputs=tuple(replace(inlet, source="") for inlet in cut.inputs))


if __name__ == "__main__":
    main()
