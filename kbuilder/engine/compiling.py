"""Optimizer, losses and metrics of a project put onto its model."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from kbuilder.document.catalogue import Catalogue, ClassSpec, Section
from kbuilder.document.errors import KBuilderError
from kbuilder.document.naming import snake_case
from kbuilder.document.options import OutputOptions
from kbuilder.document.problems import Problem
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.engine.build import BuiltModel
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.objects import KERAS_ERRORS, MODULES, make, problem
from kbuilder.engine.own_code import own_line, own_problem
from kbuilder.engine.weighting import KERAS_2, weigh_as_keras_2
from kbuilder.engine.wording import plain_text

_JIT_COMPILE = {"auto": "auto", "always": True, "never": False}


def compile_model(built: BuiltModel, project: Project, catalogue: Catalogue) -> None:
    """Compile the model in place, with one loss and one list of metrics for each output, in order.

    All are objects: a loss named by a string does not load back from ``.hdf5`` in Keras 3.15.

    Raises:
        BuildError: no output has a loss, or an object does not take its parameters.
    """
    options = [
        project.compile.outputs.get(node.id, OutputOptions()) for node in built.graph.outputs
    ]
    if not any(output.loss for output in options):
        first = built.graph.outputs[0]
        raise BuildError(
            (
                Problem(
                    severity="error",
                    node=first.id,
                    parameter="loss",
                    text=f"The output “{first.name}” has no loss. Choose one under Train.",
                ),
            )
        )
    optimizer = _object(catalogue, "optimizers", project.compile.optimizer, "")
    losses: list[Any] = []
    metrics: list[list[Any]] = []
    weighted: list[list[Any]] = []
    for node, output in zip(built.graph.outputs, options, strict=True):
        losses.append(output.loss and _object(catalogue, "losses", output.loss, node.id))
        metrics.append([_metric(catalogue, metric, node.id) for metric in output.metrics])
        weighted.append([_metric(catalogue, metric, node.id) for metric in output.weighted_metrics])
    weights = [output.loss_weight for output in options]
    single = len(options) == 1
    built.model.compile(
        optimizer=optimizer,
        loss=losses[0] if single else losses,
        loss_weights=None if all(weight == 1.0 for weight in weights) else weights,
        metrics=metrics[0] if single else metrics,
        weighted_metrics=(weighted[0] if single else weighted) if any(weighted) else None,
        jit_compile=_JIT_COMPILE[project.compile.jit_compile],
    )
    if project.fit.weighting == KERAS_2:
        weigh_as_keras_2(built.model)


def unfit_judges(
    built: BuiltModel, project: Project, targets: Sequence[np.ndarray | None], catalogue: Catalogue
) -> tuple[Problem, ...]:
    """Losses and metrics that cannot compare their output with its targets, by trying each alone.

    ``targets`` has one array for each output, samples first.
    """
    problems = []
    for node, target in zip(built.graph.outputs, targets, strict=True):
        options = project.compile.outputs.get(node.id, OutputOptions())
        if target is None:
            continue
        listed = {"metrics": options.metrics, "weighted_metrics": options.weighted_metrics}
        judges = [
            (name, _metric(catalogue, metric, node.id))
            for name, metrics in listed.items()
            for metric in metrics
        ]
        if options.loss:
            judges.insert(0, ("loss", _object(catalogue, "losses", options.loss, node.id)))
        shape = built.tensors[node.id][0].shape
        rows = target[:2]
        output = np.zeros((len(rows), *(size or 1 for size in shape[1:])), np.float32)
        for parameter, judge in judges:
            try:
                judge(rows, output)
            except KERAS_ERRORS as error:
                if own_line(error):
                    problems.append(own_problem(error, node.id))
                    continue
                text = (
                    f"{type(judge).__name__} cannot compare the output “{node.name}”, of shape "
                    f"{shape[1:]} for each sample, with targets of shape {rows.shape[1:]}. Choose "
                    f"another one under Train. Keras says: {plain_text(error)}"
                )
                problems.append(
                    Problem(severity="error", node=node.id, parameter=parameter, text=text)
                )
    return tuple(problems)


def _metric(catalogue: Catalogue, metric: KerasObject, node: str) -> Any:
    """A metric with a fixed name: Keras counts up names it makes itself (auc, auc_1, ...)."""
    params = dict(metric.params)
    spec = catalogue.find("metrics", metric.class_name)
    if spec is not None and not params.get("name"):
        params["name"] = _usual_name(spec)
    return _object(
        catalogue, "metrics", KerasObject(class_name=metric.class_name, params=params), node
    )


def _usual_name(spec: ClassSpec) -> str:
    if spec.own:
        named = spec.param("name")
        default = named.default if named else None
    else:
        signature = inspect.signature(getattr(MODULES["metrics"], spec.class_name))
        default = signature.parameters["name"].default if "name" in signature.parameters else None
    return default if isinstance(default, str) else snake_case(spec.class_name)


def _object(catalogue: Catalogue, section: Section, wanted: KerasObject, node: str) -> Any:
    try:
        return make(catalogue, section, wanted.class_name, wanted.params)
    except (KBuilderError, *KERAS_ERRORS) as error:
        spec = catalogue.find(section, wanted.class_name)
        found = problem(error, spec, node=node, subject=wanted.class_name)
        raise BuildError((found,)) from error
