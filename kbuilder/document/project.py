"""The project: the one value that is edited, undone and saved."""

from __future__ import annotations

from kbuilder.document.graph import Graph
from kbuilder.document.options import CompileOptions, DataOptions, FitOptions
from kbuilder.document.sweep import SweepOptions
from kbuilder.document.values import Value


class Project(Value, frozen=True, kw_only=True):
    """Everything the user made. Trained weights are not in it; they lie in the runs beside its file."""

    graph: Graph = Graph()
    compile: CompileOptions = CompileOptions()
    fit: FitOptions = FitOptions()
    data: DataOptions = DataOptions()
    sweep: SweepOptions = SweepOptions()
    custom_code: str = ""
    notes: str = ""
