"""The model that an engine has in hand, so that looking into it or saving it needs no rebuild."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.facts import NodeFacts
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.engine import data
from kbuilder.engine.activations import Probe
from kbuilder.engine.build import BuiltModel, build
from kbuilder.engine.checkpoint import restore
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.generators import GENERATOR
from kbuilder.engine.infer import Inference
from kbuilder.engine.precision import under_policy
from kbuilder.engine.runs import Run
from kbuilder.engine.sizes import refuse_too_large


@dataclass
class LiveModel:
    """A built model with the weights of ``run`` (empty: fresh ones) and the probe that looks into it."""

    run: str
    project: Project
    built: BuiltModel
    _probe: Probe | None = None
    _dataset: data.Dataset | None = None

    def probe(self, dataset: data.Dataset) -> Probe:
        """The probe into this model with this data; it keeps the sub-models it has made."""
        if self._probe is None or self._dataset is not dataset:
            self._probe = Probe(self.built, dataset.inputs, dataset.targets)
            self._dataset = dataset
        return self._probe


class LiveModels:
    """Keeps the latest model and the latest data set; makes others when they are asked for."""

    def __init__(self, catalogue: Catalogue, inference: Inference) -> None:
        self._catalogue = catalogue
        self._inference = inference
        self._model: LiveModel | None = None
        self._data_key: Any = None
        self._data: data.Dataset | None = None

    def keep(self, model: LiveModel) -> None:
        """Take a model that has just been trained."""
        self._model = model

    def drop(self) -> None:
        """Forget the model."""
        self._model = None

    def get(self, project: Project, run: str) -> LiveModel:
        """The model of ``project`` with the weights of ``run``, or with fresh weights.

        Raises:
            BuildError: the project is not a model.
            KBuilderError: the run cannot be read.
        """
        kept = self._model
        if kept is None or kept.run != run or (not run and not _same_model(kept.project, project)):
            self._model = None
            kept = self._model = self._restored(run) if run else self._fresh(project)
        return kept

    def load(self, options: DataOptions, project: Project, base: str) -> data.Dataset:
        """The data set of a project, read again only when something about it has changed.

        Raises:
            KBuilderError: the data cannot be read.
        """
        graph = project.graph
        fed = [(node.id, node.class_name, node.params) for node in (*graph.inputs, *graph.outputs)]
        weights = project.fit.sample_weights
        code = project.custom_code if options.kind == GENERATOR else ""
        key = (options, base, fed, weights, code, _modified(options, base))
        if self._data is None or key != self._data_key:
            self._data = None
            self._data = data.load(options, graph, base, weights, code)
            self._data_key = key
        return self._data

    def build(self, project: Project) -> BuiltModel:
        """A fresh model, if its weights fit into the free memory.

        Raises:
            BuildError: the project is not a model, or too large a one.
        """
        refuse_too_large(project.graph, self.facts(project))
        return build(project, self._catalogue)

    def facts(self, project: Project) -> dict[str, NodeFacts]:
        """What is known of the nodes without building them."""
        with under_policy(project.compile.dtype_policy):
            facts, _ = self._inference.infer(project.graph)
        return facts

    def _fresh(self, project: Project) -> LiveModel:
        built = self.build(project)
        if any(options.loss for options in project.compile.outputs.values()):
            compile_model(built, project, self._catalogue)
        return LiveModel("", project, built)

    def _restored(self, run: str) -> LiveModel:
        opened = Run.open(Path(run))
        state = opened.state
        model = self._fresh(opened.project)
        restore(model.built.model, state)
        return LiveModel(run, opened.project, model.built)


def _same_model(one: Project, other: Project) -> bool:
    return (one.graph, one.compile, one.fit.seed) == (other.graph, other.compile, other.fit.seed)


def _modified(options: DataOptions, base: str) -> Mapping[str, float]:
    """When the files of the data were last changed, so that an edited file is read again."""
    paths = (Path(base, path) for path in (options.path, options.targets_path) if path)
    return {str(path): path.stat().st_mtime for path in paths if path.exists()}
