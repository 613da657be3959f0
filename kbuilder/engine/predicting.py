"""What a trained model says of data that it was not trained on: predictions in a file, losses and metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kbuilder.document.atomic import write_atomically, write_bytes
from kbuilder.document.cells import csv_text
from kbuilder.document.errors import KBuilderError
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.engine import data
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.checkpoint import restore
from kbuilder.engine.data import Dataset
from kbuilder.engine.data_mapping import FieldChoice
from kbuilder.engine.live import LiveModel, LiveModels
from kbuilder.engine.matching import match
from kbuilder.engine.runs import Run
from kbuilder.link.requests import Evaluate, Predict
from kbuilder.link.run_events import Evaluated, Predicted

Arrays = dict[str, np.ndarray]


def predict(request: Predict, live: LiveModels) -> Predicted:
    """Write the outputs of ``model.predict`` for all samples of the data.

    Raises:
        KBuilderError: the run or the data cannot be read, do not fit, or the file cannot be written.
    """
    path = Path(request.path)
    write = _writer(path)
    model = _model(request, live)
    dataset, classes = _dataset(request, live, model.project, judged=False)
    graph, built = model.project.graph, model.built
    inputs = [dataset.inputs[node.id] for node in graph.inputs]
    given = built.model.predict(_bare(inputs), batch_size=_batch_size(model.project), verbose=0)
    given = given if isinstance(given, list) else [given]
    outputs = dict(zip((node.id for node in graph.outputs), given, strict=True))
    names = {node.id: node.name for node in graph.outputs}
    write(
        path,
        {names[node]: values for node, values in outputs.items()},
        {names[node]: found for node, found in classes.items()},
    )
    return Predicted(
        request=request.request,
        path=request.path,
        samples=dataset.samples,
        outputs={node: tuple(values.shape) for node, values in outputs.items()},
    )


def evaluate(request: Evaluate, live: LiveModels) -> Evaluated:
    """Losses and metrics of ``model.evaluate`` over all samples of the data.

    Raises:
        KBuilderError: as for ``predict``, or no output has a loss.
    """
    model = _model(request, live)
    if not any(options.loss for options in model.project.compile.outputs.values()):
        raise KBuilderError(
            "This run has no loss to compute, so it cannot be evaluated. Use predict, or train it."
        )
    dataset, _ = _dataset(request, live, model.project, judged=True)
    samples = match(model.built, model.project, dataset.inputs, dataset.targets)
    logs = _evaluated(model.built, samples.x, samples.y, _batch_size(model.project))
    return Evaluated(request=request.request, samples=dataset.samples, logs=logs)


def _evaluated(
    built: BuiltModel, x: list[np.ndarray], y: list[np.ndarray | None], batch_size: int
) -> dict[str, float]:
    """``model.evaluate``; outputs that are not judged get zeros, which nothing looks at."""
    count = len(x[0])
    filled = [np.zeros((count, 1), np.float32) if each is None else each for each in y]
    model: keras.Model = built.model
    logs = model.evaluate(
        _bare(x), _bare(filled), batch_size=batch_size, verbose=0, return_dict=True
    )
    return {name: float(value) for name, value in logs.items() if np.ndim(value) == 0}


def _model(request: Predict | Evaluate, live: LiveModels) -> LiveModel:
    """The model of the run, with the weights of the checkpoint that was asked for."""
    model = live.get(request.project, request.run)
    if request.checkpoint:
        live.drop()  # with these weights it is not what the run stands for
        restore(model.built.model, Run.open(Path(request.run)).state_in(request.checkpoint))
    return model


def _dataset(
    request: Predict | Evaluate, live: LiveModels, project: Project, *, judged: bool
) -> tuple[Dataset, Mapping[str, tuple[str, ...]]]:
    """The data with the fields and class numbers of the training data, and the names of its classes.

    Where the training data is not there any more, the fields follow from the options alone.
    """
    trained = _trained(live, project, request.base)
    if trained is None:
        found = data.load(request.data, project.graph, request.base)
        return found, found.classes
    other = trained if judged else _without_missing(trained, request.data, request.base)
    found = data.load_beside(request.data, project.graph, request.base, {}, other)
    return found, trained.classes


def _trained(live: LiveModels, project: Project, base: str) -> Dataset | None:
    try:
        return live.load(project.data, project, base)
    except KBuilderError:
        return None


def _without_missing(trained: Dataset, options: DataOptions, base: str) -> Dataset:
    """The training data's choice of fields without targets that the new data does not have."""
    there = {field.name for field in data.open_source(options, base).fields}
    chosen = trained.fields or FieldChoice({}, {})
    targets = {node: names for node, names in chosen.targets.items() if there >= set(names)}
    return dataclasses.replace(trained, fields=dataclasses.replace(chosen, targets=targets))


def _batch_size(project: Project) -> int:
    return project.fit.validation_batch_size or project.fit.batch_size


def _bare(arrays: list[np.ndarray]) -> Any:
    return arrays[0] if len(arrays) == 1 else arrays


Classes = Mapping[str, tuple[str, ...]]
Writer = Callable[[Path, Arrays, Classes], None]


def _writer(path: Path) -> Writer:
    try:
        return {".npz": _write_npz, ".csv": _write_csv}[path.suffix.lower()]
    except KeyError:
        raise KBuilderError(
            f"“{path.name}” ends in “{path.suffix}”; expected .csv or .npz. Choose such a name."
        ) from None


def _write_npz(path: Path, outputs: Arrays, classes: Classes) -> None:
    """One array for each output, and the names of its classes as ``NAME/classes``."""
    arrays: dict[str, Any] = dict(outputs)
    arrays |= {f"{name}/classes": np.array(found) for name, found in classes.items()}

    def write(temporary: Path) -> None:
        with temporary.open("xb") as file:
            np.savez(file, **arrays)

    write_atomically(path, write)


def _write_csv(path: Path, outputs: Arrays, classes: Classes) -> None:
    """A line for each sample; an output with classes has the most likely one first."""
    columns: dict[str, list[Any]] = {}
    for name, values in outputs.items():
        if values.ndim > 2:
            raise KBuilderError(
                f"The output “{name}” has shape {values.shape[1:]} for each sample, which no table "
                "holds. Choose a name that ends in .npz."
            )
        columns |= dict(_columns(name, values.reshape(len(values), -1), classes.get(name, ())))
    rows = zip(*columns.values(), strict=True)
    write_bytes(path, csv_text(list(columns), rows).encode())


def _columns(
    name: str, values: np.ndarray, classes: tuple[str, ...]
) -> Iterator[tuple[str, list[Any]]]:
    width = values.shape[1]
    if width > 1 and len(classes) == width:
        yield name, [classes[number] for number in values.argmax(axis=1)]
    named = classes if len(classes) == width else tuple(map(str, range(width)))
    for number in range(width):
        title = name if width == 1 else f"{name}[{named[number]}]"
        yield title, values[:, number].tolist()
