"""Writes the bundled data and sample projects: ``python packaging/make_samples.py``.

Needs scikit-learn. What it writes is committed; the result is the same each time.
"""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_wine

from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.options import CompileOptions, DataOptions, FitOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.project_file import save
from kbuilder.document.values import KerasObject, Params
from kbuilder.resources import resource

ROW = 100.0
BRANCH = 120.0
DATE = (1998, 7, 1, 0, 0, 0)  # fixed, so that the archive is the same each time

DIGITS_LICENSE = """\
Optical Recognition of Handwritten Digits

Alpaydin, E. & Kaynak, C. (1998). Optical Recognition of Handwritten Digits [Dataset].
UCI Machine Learning Repository. https://doi.org/10.24432/C50P49

Licensed under Creative Commons Attribution 4.0 International (CC BY 4.0),
https://creativecommons.org/licenses/by/4.0/

Changes: the 1,797 images of the test set as scikit-learn ships them, stored as uint8 arrays
`image` (1797, 8, 8), values 0 to 16, and `label` (1797,), in digits.npz, in a fixed shuffled order
(the original is sorted by writer).
"""

WINE_LICENSE = """\
Wine

Aeberhard, S. & Forina, M. (1992). Wine [Dataset].
UCI Machine Learning Repository. https://doi.org/10.24432/C5PC7J

Licensed under Creative Commons Attribution 4.0 International (CC BY 4.0),
https://creativecommons.org/licenses/by/4.0/

Changes: the 178 samples as scikit-learn ships them, in a fixed shuffled order (the original is sorted
by cultivar), with column names and the cultivar as text, in wine.csv.
"""

CLASSIFY = OutputOptions(
    loss=KerasObject(class_name="SparseCategoricalCrossentropy"),
    metrics=(KerasObject(class_name="SparseCategoricalAccuracy"),),
)


class Drawing:
    """Collects nodes row by row and wires them."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []

    def add(
        self,
        name: str,
        class_name: str,
        row: float,
        *sources: str,
        side: float = 0.0,
        **params: object,
    ) -> None:
        """A node in a row, ``side`` branches to the right of the centre, reading ``sources``."""
        kept: Params = dict(params)
        x, y = side * BRANCH, row * ROW
        self.nodes.append(Node(id=name, class_name=class_name, name=name, params=kept, x=x, y=y))
        self.edges += [
            Edge(source=source, target=name, target_port=port)
            for port, source in enumerate(sources)
        ]

    @property
    def graph(self) -> Graph:
        """What was drawn."""
        return Graph(nodes=tuple(self.nodes), edges=tuple(self.edges))


def digits_mlp() -> Project:
    """A plain stack of dense layers."""
    drawing = Drawing()
    drawing.add("image", "Input", 0, shape=[8, 8])
    drawing.add("rescaling", "Rescaling", 1, "image", scale=1 / 16)
    drawing.add("flatten", "Flatten", 2, "rescaling")
    drawing.add("hidden", "Dense", 3, "flatten", units=64, activation="relu")
    drawing.add("dropout", "Dropout", 4, "hidden", rate=0.2)
    drawing.add("digit", "Dense", 5, "dropout", units=10, activation="softmax")
    return Project(
        graph=drawing.graph,
        compile=CompileOptions(outputs={"digit": CLASSIFY}),
        fit=FitOptions(epochs=15),
        data=DataOptions(kind="sample", path="digits"),
        notes="Handwritten digits, 8 by 8 pixels, read by dense layers.",
    )


def digits_cnn() -> Project:
    """The demo: convolutions with a residual branch."""
    drawing = Drawing()
    conv: Params = {"kernel_size": [3, 3], "padding": "same"}
    drawing.add("image", "Input", 0, shape=[8, 8, 1])
    drawing.add("rescaling", "Rescaling", 1, "image", scale=1 / 16)
    drawing.add("conv_1", "Conv2D", 2, "rescaling", filters=16, activation="relu", **conv)
    drawing.add("conv_2", "Conv2D", 3, "conv_1", side=-1, filters=32, **conv)
    drawing.add("normalization", "BatchNormalization", 4, "conv_2", side=-1)
    drawing.add("shortcut", "Conv2D", 3.5, "conv_1", side=1, filters=32, kernel_size=[1, 1])
    drawing.add("add", "Add", 5, "normalization", "shortcut")
    drawing.add("relu", "ReLU", 6, "add")
    drawing.add("pooling", "MaxPooling2D", 7, "relu")
    drawing.add("conv_3", "Conv2D", 8, "pooling", filters=64, activation="relu", **conv)
    drawing.add("average", "GlobalAveragePooling2D", 9, "conv_3")
    drawing.add("dropout", "Dropout", 10, "average", rate=0.2)
    drawing.add("digit", "Dense", 11, "dropout", units=10, activation="softmax")
    return Project(
        graph=drawing.graph,
        compile=CompileOptions(
            optimizer=KerasObject(class_name="Adam", params={"learning_rate": 0.003}),
            outputs={"digit": CLASSIFY},
        ),
        fit=FitOptions(epochs=10),
        data=DataOptions(kind="sample", path="digits"),
        notes="Handwritten digits, 8 by 8 pixels, read by convolutions with a residual branch.",
    )


def digits_lstm() -> Project:
    """The rows of a digit as a sequence of eight steps."""
    drawing = Drawing()
    drawing.add("rows", "Input", 0, shape=[8, 8])
    drawing.add("rescaling", "Rescaling", 1, "rows", scale=1 / 16)
    drawing.add("lstm", "LSTM", 2, "rescaling", units=64)
    drawing.add("dropout", "Dropout", 3, "lstm", rate=0.2)
    drawing.add("digit", "Dense", 4, "dropout", units=10, activation="softmax")
    return Project(
        graph=drawing.graph,
        compile=CompileOptions(
            optimizer=KerasObject(class_name="Adam", params={"learning_rate": 0.003}),
            outputs={"digit": CLASSIFY},
        ),
        fit=FitOptions(epochs=15),
        data=DataOptions(kind="sample", path="digits"),
        notes="Handwritten digits read row by row: each row of 8 pixels is one step of a sequence.",
    )


def wine_two_in_two_out() -> Project:
    """Two groups of columns in, the cultivar and the alcohol out."""
    minerals = ("malic_acid", "ash", "alcalinity_of_ash", "magnesium", "proline")
    colours = (
        *("total_phenols", "flavanoids", "nonflavanoid_phenols", "proanthocyanins"),
        *("color_intensity", "hue", "od280/od315_of_diluted_wines"),
    )
    drawing = Drawing()
    drawing.add("minerals", "Input", 0, side=-1, shape=[len(minerals)])
    drawing.add("colours", "Input", 0, side=1, shape=[len(colours)])
    for side, columns in ((-1, minerals), (1, colours)):
        group = "minerals" if side < 0 else "colours"
        mean, variance = wine_moments(columns)
        scaled = f"{group}_scaled"
        drawing.add(scaled, "Normalization", 1, group, side=side, mean=mean, variance=variance)
    drawing.add(
        "minerals_hidden", "Dense", 2, "minerals_scaled", side=-1, units=16, activation="relu"
    )
    drawing.add("colours_hidden", "Dense", 2, "colours_scaled", side=1, units=16, activation="relu")
    drawing.add("together", "Concatenate", 3, "minerals_hidden", "colours_hidden")
    drawing.add("shared", "Dense", 4, "together", units=32, activation="relu")
    drawing.add("cultivar", "Dense", 5, "shared", side=-1, units=3, activation="softmax")
    near = {"class_name": "Constant", "params": {"value": 13.0}}  # per cent, where wines are
    drawing.add("alcohol", "Dense", 5, "shared", side=1, units=1, bias_initializer=near)
    alcohol = OutputOptions(
        loss=KerasObject(class_name="MeanSquaredError"),
        loss_weight=0.5,
        metrics=(KerasObject(class_name="MeanAbsoluteError"),),
    )
    return Project(
        graph=drawing.graph,
        compile=CompileOptions(
            optimizer=KerasObject(class_name="Adam", params={"learning_rate": 0.003}),
            outputs={"cultivar": CLASSIFY, "alcohol": alcohol},
        ),
        fit=FitOptions(epochs=40, batch_size=16),
        data=DataOptions(
            kind="sample",
            path="wine",
            inputs={"minerals": minerals, "colours": colours},
            targets={"cultivar": ("cultivar",), "alcohol": ("alcohol",)},
        ),
        notes="Italian wines: two groups of measurements in, the cultivar and the alcohol out.",
    )


def wine_moments(columns: tuple[str, ...]) -> tuple[list[float], list[float]]:
    """Mean and variance of columns of the wine data, rounded."""
    wine = load_wine()
    chosen = wine.data[:, [wine.feature_names.index(name) for name in columns]]
    return (
        [float(f"{value:.4g}") for value in chosen.mean(axis=0)],
        [float(f"{value:.4g}") for value in chosen.var(axis=0)],
    )


def write_digits(folder: Path) -> None:
    """The digits as ``digits.npz``, shuffled so that a validation split sees every writer."""
    digits = load_digits()
    order = np.random.default_rng(2).permutation(len(digits.target))
    arrays = {
        "image": digits.images[order].astype(np.uint8),
        "label": digits.target[order].astype(np.uint8),
    }
    with zipfile.ZipFile(folder / "digits.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for name, values in arrays.items():
            content = io.BytesIO()
            np.save(content, values)
            member = zipfile.ZipInfo(f"{name}.npy", DATE)
            out.writestr(member, content.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)
    (folder / "digits.LICENSE.txt").write_text(DIGITS_LICENSE, encoding="utf-8")


def write_wine(folder: Path) -> None:
    """The wines as ``wine.csv``, shuffled so that a validation split sees every cultivar."""
    wine = load_wine()
    order = np.random.default_rng(0).permutation(len(wine.target))
    with (folder / "wine.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*wine.feature_names, "cultivar"])
        for row in order:
            label = f"cultivar {wine.target[row] + 1}"
            writer.writerow([*(f"{value:g}" for value in wine.data[row]), label])
    (folder / "wine.LICENSE.txt").write_text(WINE_LICENSE, encoding="utf-8")


def main() -> None:
    """Write everything."""
    for folder in ("data", "samples"):
        resource(folder).mkdir(parents=True, exist_ok=True)
    write_digits(resource("data"))
    write_wine(resource("data"))
    samples = {
        "digits-cnn": digits_cnn(),
        "digits-mlp": digits_mlp(),
        "digits-lstm": digits_lstm(),
        "wine-two-in-two-out": wine_two_in_two_out(),
    }
    for name, project in samples.items():
        save(project, resource("samples", f"{name}.kbuilder"))


if __name__ == "__main__":
    main()
