"""Time of our training loop against plain ``model.fit`` with the same seed, side by side in one run.

    python tests/benchmarks/train_speed.py [--rounds 5]

Both sides do everything from the same arrays to the last epoch, building and tracing included. Ours
runs as the trainer does: layers are looked into and diagnosed at the default rate, all messages are
encoded for the wire and kept in the record, history, batches and checkpoints are written. Rounds
alternate which side goes first. The last column proves equal results.
"""

from __future__ import annotations

import argparse
import io
import os
import queue
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.options import CompileOptions, FitOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.engine.activations import Probe
from kbuilder.engine.build import build
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.data import Dataset
from kbuilder.engine.fit_data import fit_data
from kbuilder.engine.plan import Plan
from kbuilder.engine.recording import Recorder
from kbuilder.engine.runs import Run
from kbuilder.engine.training import Training
from kbuilder.engine.watching import Watching
from kbuilder.link import wire

CATALOGUE = load_catalogue()
Layers = list[tuple[str, dict[str, object]]]

MLP: Layers = [
    ("Input", {"shape": [100]}),
    ("Dense", {"units": 64, "activation": "relu"}),
    ("Dropout", {"rate": 0.2}),
    ("Dense", {"units": 64, "activation": "relu"}),
    ("Dense", {"units": 10, "activation": "softmax"}),
]
CNN: Layers = [
    ("Input", {"shape": [28, 28, 1]}),
    ("Conv2D", {"filters": 16, "kernel_size": [3, 3], "activation": "relu"}),
    ("MaxPooling2D", {}),
    ("Conv2D", {"filters": 32, "kernel_size": [3, 3], "activation": "relu"}),
    ("MaxPooling2D", {}),
    ("Flatten", {}),
    ("Dense", {"units": 10, "activation": "softmax"}),
]
CASES = [
    ("MLP 20,000x100", MLP, 20_000, 5, 0.6),
    ("CNN 6,000x28x28", CNN, 6_000, 3, 1.0),
]


def project_of(layers: Layers, epochs: int) -> Project:
    """A chain of layers that tells ten classes apart."""
    nodes = tuple(
        Node(id=str(number), class_name=name, name=f"layer_{number}", params=dict(params))
        for number, (name, params) in enumerate(layers)
    )
    edges = tuple(Edge(source=str(n), target=str(n + 1)) for n in range(len(nodes) - 1))
    judged = OutputOptions(
        loss=KerasObject(class_name="SparseCategoricalCrossentropy"),
        metrics=(KerasObject(class_name="SparseCategoricalAccuracy"),),
    )
    return Project(
        graph=Graph(nodes=nodes, edges=edges),
        compile=CompileOptions(outputs={nodes[-1].id: judged}),
        fit=FitOptions(epochs=epochs, batch_size=32, validation_split=0.1, seed=1),
    )


def plain(project: Project, x: np.ndarray, y: np.ndarray) -> float:
    """Train with ``Model.fit``; returns the loss of the last epoch."""
    keras.utils.set_random_seed(project.fit.seed)
    tensor = first = None
    for node in project.graph.nodes:
        if node.class_name == "Input":
            tensor = first = keras.Input(node.params["shape"])
        else:
            tensor = getattr(keras.layers, node.class_name)(**node.params)(tensor)
    model = keras.Model(first, tensor)
    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
    )
    fit = project.fit
    history = model.fit(
        x,
        y,
        batch_size=fit.batch_size,
        epochs=fit.epochs,
        validation_split=fit.validation_split,
        verbose=0,
    )
    return float(history.history["loss"][-1])


def ours(project: Project, x: np.ndarray, y: np.ndarray) -> float:
    """Train as the engine does, with every message on its way; returns the loss of the last epoch."""
    stream = io.BytesIO()
    built = build(project, CATALOGUE)
    compile_model(built, project, CATALOGUE)
    inputs, targets = {"0": x}, {project.graph.nodes[-1].id: y}
    batches = fit_data(built, project, Dataset(inputs, targets, len(x), {}), CATALOGUE)
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(
            request=1,
            built=built,
            fit=project.fit,
            train=batches.train,
            validation=batches.validation,
            run=Run.create(Path(folder, "run"), project),
        )
        recorder = Recorder(plan.run.folder, lambda event: wire.write(stream, event))
        training = Training(
            plan,
            recorder,
            queue.SimpleQueue(),
            Probe(built, inputs, targets),
            watching=Watching(plan, {}, recorder),
        )
        training.train()
        recorder.close()
    return training.history[-1]["loss"]


def timed(side: Callable[[], float]) -> tuple[float, float]:
    """Seconds and result."""
    begun = time.perf_counter()
    loss = side()
    return time.perf_counter() - begun, loss


def main() -> int:
    """Print the table; 1 if a target is missed or results differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    rng = np.random.default_rng(0)
    missed = False
    head = "case               plain s   ours s   ratio  (rounds)                      target  loss"
    sys.stdout.write(head + "\n")
    for name, layers, count, epochs, target in CASES:
        project = project_of(layers, epochs)
        y = rng.integers(0, 10, count)
        x = rng.normal(size=(count, *project.graph.nodes[0].params["shape"])).astype("float32")
        x += y.reshape(-1, *[1] * (x.ndim - 1)) / 10
        seconds: dict[str, list[float]] = {"plain": [], "ours": []}
        losses: dict[str, float] = {}
        sides = [("plain", plain), ("ours", ours)]
        for number in range(rounds):
            for side, train in sides if number % 2 == 0 else sides[::-1]:
                spent, losses[side] = timed(partial(train, project, x, y))
                seconds[side].append(spent)
        ratios = [a / b for a, b in zip(seconds["ours"], seconds["plain"], strict=True)]
        ratio = statistics.median(ratios)
        missed |= ratio > target or losses["plain"] != losses["ours"]
        sys.stdout.write(
            f"{name:<18} {statistics.median(seconds['plain']):>7.2f}  "
            f"{statistics.median(seconds['ours']):>7.2f}  {ratio:>6.2f}  "
            f"({' '.join(f'{one:.2f}' for one in ratios)})".ljust(76)
            + f"<= {target:<4} {losses['plain']!r} {losses['ours']!r}\n"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
