"""The parts of the design benchmark, each in a process of its own; every one prints one JSON object.

    python -m tests.benchmarks.design_speed_roles ROLE FOLDER [NAME]

``graphs`` and ``models`` write what the others open.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from msgspec.structs import replace

from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.project import Project
from kbuilder.document.project_file import load, save

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from kbuilder.ui.main_window import MainWindow

Result = dict[str, list[float]]
EDITS, FRAMES = 200, 120
WINDOW = (1600, 900)
IN_SIGHT = 50


# --- parts that need Keras ------------------------------------------------------------------------


def graphs(folder: Path) -> Result:
    """Projects of ResNet50 and NASNetLarge, laid out."""
    from kbuilder.document.catalogue import load_catalogue
    from kbuilder.engine.import_graph import graph_from

    for name in ("ResNet50", "NASNetLarge"):
        config = json.loads(_shapes_only(name).to_json())
        save(Project(graph=graph_from(load_catalogue(), config, name)), folder / f"{name}.kbuilder")
    return {}


def _shapes_only(name: str) -> Any:
    import keras

    with keras.StatelessScope(initialize_variables=False):
        return getattr(keras.applications, name)(weights=None)


def models(folder: Path, name: str) -> Result:
    """Real files of a big model."""
    import keras

    model = getattr(keras.applications, name)(weights=None)
    model.save(folder / f"{name}.keras")
    model.save(folder / f"{name}.h5")
    (folder / f"{name}.json").write_text(model.to_json())
    os.sync()  # or writing them would still be under way while they are read
    return {}


def cold(folder: Path) -> Result:
    """A warm engine meets ResNet50 for the first time; then Keras builds it."""
    import keras

    from kbuilder.document.catalogue import load_catalogue
    from kbuilder.engine.import_graph import graph_from
    from kbuilder.engine.infer import Inference

    keras.layers.Dense(1)(keras.Input((1,)))
    config = json.loads(_shapes_only("ResNet50").to_json())
    graph = graph_from(load_catalogue(), config, "ResNet50")
    inference = Inference(load_catalogue())
    ours, (facts, _) = _timed(lambda: inference.infer(replace(graph)))
    plain, model = _timed(lambda: keras.applications.ResNet50(weights=None))
    counted = sum(fact.trainable_params + fact.fixed_params for fact in facts.values())
    assert counted == model.count_params()
    return {"ours": [ours], "keras": [plain]}


def layout(folder: Path) -> Result:
    """Both graphs, from all nodes in one place."""
    from kbuilder.document.layout import layout as laid_out

    found: Result = {}
    for name in ("ResNet50", "NASNetLarge"):
        graph = load(folder / f"{name}.kbuilder").graph
        nodes = tuple(replace(node, x=0.0, y=0.0) for node in graph.nodes)
        fresh = [replace(graph, nodes=nodes) for _ in range(5)]
        found[name] = [_timed(partial(laid_out, one))[0] for one in fresh]
    return found


def _timed(action: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = action()
    return time.perf_counter() - begun, result


# --- parts with a window --------------------------------------------------------------------------


class Stage:
    """The real window with its real engines, and the end of its next picture."""

    def __init__(self, project: Project | None = None) -> None:
        from PySide6.QtCore import QEvent, QObject, QTimer

        from kbuilder import app
        from kbuilder.document.document import Document

        stage = self

        class Pictures(QObject):
            def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
                stage.pictures += event.type() == QEvent.Type.Paint
                return False

        self.pictures = 0
        self.application = app.make_application()
        self.window: MainWindow = app.make_window(Document(project) if project else None)
        app.spare_collector(self.window)
        self.window.training.failed.connect(lambda event: sys.exit(event.text))
        self.ready: list[object] = []
        self.window.workbench.ready.connect(self.ready.append)
        self.window.training.ready.connect(self.ready.append)
        self._filter = Pictures()
        self.viewport: QWidget = self.window.view.viewport()
        self.viewport.installEventFilter(self._filter)
        self._beat = QTimer()  # so that waiting for events ends
        self._beat.start(20)
        self.window.resize(*WINDOW)
        self.window.show()
        self.until(lambda: len(self.ready) == 2)

    def until(self, condition: Callable[[], object]) -> None:
        """Let the window work until something is so."""
        from PySide6.QtCore import QEventLoop

        end = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < end, "the window did not get there in two minutes"
            self.application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def settle(self, seconds: float = 1.0) -> None:
        """Let everything that is under way end."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end)

    def frame(self, action: Callable[[], object]) -> float:
        """Seconds from what the user does to the end of the picture that it makes."""
        before = self.pictures
        begun = time.perf_counter()
        action()
        while self.pictures == before:
            self.application.processEvents()
        return time.perf_counter() - begun

    def end(self) -> None:
        """End the engines; the process ends without asking for the changes."""
        for engine in self.window._engines:
            engine.kill()


def residual(count: int) -> Graph:
    """Blocks of five layers with a way round them, as many as give ``count`` layers."""
    nodes = [Node(id="n0", class_name="Input", name="n0", params={"shape": [32, 32, 16]})]
    edges: list[Edge] = []
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("Conv2D", {"filters": 16, "kernel_size": [3, 3], "padding": "same"}),
        ("BatchNormalization", {}),
        ("Activation", {"activation": "relu"}),
        ("Conv2D", {"filters": 16, "kernel_size": [3, 3], "padding": "same"}),
        ("Add", {}),
    ]
    while len(nodes) < count:
        start = nodes[-1].id
        for kind, params in kinds:
            last, name = nodes[-1].id, f"n{len(nodes)}"
            nodes.append(
                Node(id=name, class_name=kind, name=name, params=params, y=98.0 * len(nodes))
            )
            edges.append(Edge(source=last, target=name))
        edges.append(Edge(source=start, target=nodes[-1].id, target_port=1))
    return Graph(nodes=tuple(nodes), edges=tuple(edges))


def edit(folder: Path) -> Result:
    """Filters of a convolution in sight, until the picture shows the new shapes."""
    stage = Stage(Project(graph=residual(500)))
    window, workbench = stage.window, stage.window.workbench
    stage.until(lambda: len(workbench.facts) == len(window.document.project.graph.nodes))
    rng = random.Random(0)
    asked: list[tuple[str, int]] = []
    pictures: list[int] = []

    def note() -> None:
        node, filters = asked[-1]
        if len(pictures) < len(asked) and workbench.facts[node].outputs[0].shape[-1] == filters:
            pictures.append(stage.pictures)

    workbench.facts_changed.connect(note)
    times = []
    for number in range(EDITS):
        asked.append((f"n{5 * rng.randrange(100) + 1}", 17 + number))
        window.view.show_node(asked[-1][0])
        stage.settle(0.1)
        begun = time.perf_counter()
        window.document.apply("Edit", _with_filters(*asked[-1]))
        stage.until(lambda: len(pictures) == len(asked) and stage.pictures > pictures[-1])
        times.append(time.perf_counter() - begun)
    stage.end()
    return {"edit": times}


def _with_filters(node: str, filters: int) -> Callable[[Project], Project]:
    from kbuilder.document import edits

    return lambda project: edits.set_params(project, [node], {"filters": filters})


def open_(folder: Path, name: str) -> Result:
    """A file, from the choice of the user to the picture of the network, and to its weights."""
    stage = Stage()
    window = stage.window
    stage.settle()
    begun = time.perf_counter()
    marks: Result = {}
    before = [0]

    def shown() -> None:
        marks["shown"] = [time.perf_counter() - begun]
        before[0] = stage.pictures

    window.files.opened.connect(shown)
    window.workbench.facts_changed.connect(
        lambda: (
            marks.setdefault("shapes", [time.perf_counter() - begun])
            if window.workbench.facts
            else None
        )
    )
    window.files.open_path(folder / name)
    stage.until(lambda: "shown" in marks and stage.pictures > before[0])
    marks["painted"] = [time.perf_counter() - begun]
    stage.until(lambda: "shapes" in marks)
    stage.until(lambda: not window.training.active)
    if window.training.run:
        marks["weights"] = [time.perf_counter() - begun]
    stage.end()
    return marks


def canvas(folder: Path) -> Result:
    """Frames of NASNetLarge: scrolled and zoomed, near and far, and dragged."""
    from PySide6.QtCore import QPointF

    stage = Stage(load(folder / "NASNetLarge.kbuilder"))
    view, scene = stage.window.view, stage.window.scene
    stage.until(lambda: len(stage.window.workbench.facts) == len(scene.nodes))
    found: Result = {}

    def scrolled(number: int) -> None:
        view.scroll_by(QPointF(0.0, -24.0 if number % 2 else 20.0))

    def zoomed(number: int) -> None:
        view.set_zoom(view.zoom * (1.03 if number % 20 < 10 else 1 / 1.03))

    def measured(what: str, step: Callable[[int], None]) -> None:
        stage.settle()
        found[what] = [stage.frame(partial(step, n)) for n in range(FRAMES)]

    view.fit_all()
    measured("scrolled, all in sight", scrolled)
    measured("zoomed, all in sight", zoomed)
    _show_some(stage, IN_SIGHT)
    measured("scrolled, 50 in sight", scrolled)
    measured("zoomed, 50 in sight", zoomed)
    _show_some(stage, IN_SIGHT)
    found["one dragged among 1,041"] = _dragged(stage, [])
    found["1,041 dragged together"] = _dragged(stage, list(scene.nodes))
    stage.end()
    return found


def _show_some(stage: Stage, count: int) -> None:
    """Zoom in on the middle until about ``count`` nodes are in sight."""
    view, scene = stage.window.view, stage.window.scene
    node = list(scene.nodes)[len(scene.nodes) // 2]
    low, high = 0.05, 2.5
    for _ in range(12):
        middle = (low * high) ** 0.5
        view.set_zoom(middle)
        view.centerOn(scene.nodes[node])
        seen = view.mapToScene(view.viewport().rect()).boundingRect()
        low, high = (low, middle) if len(scene.nodes_in(seen)) < count else (middle, high)


def _dragged(stage: Stage, chosen: list[str]) -> list[float]:
    from PySide6.QtCore import QPoint, QPointF, Qt
    from PySide6.QtTest import QTest

    view, scene = stage.window.view, stage.window.scene
    scene.select(chosen)
    seen = view.mapToScene(view.viewport().rect()).boundingRect().center()
    node = min(scene.nodes, key=lambda n: (scene.nodes[n].pos() - seen).manhattanLength())
    start = view.mapFromScene(scene.nodes[node].pos() + QPointF(92, 27))
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    stage.settle()
    place = start
    times = []
    for number in range(FRAMES):
        place += QPoint(3 if number % 40 < 20 else -3, 2 if number % 60 < 30 else -2)
        times.append(stage.frame(partial(QTest.mouseMove, view.viewport(), place)))
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    stage.settle()
    return times


def memory(folder: Path, kind: str) -> Result:
    """MiB of the window with NASNetLarge on it, painted near and far; or with nothing."""
    import psutil

    stage = Stage(load(folder / "NASNetLarge.kbuilder") if kind == "full" else None)
    view = stage.window.view
    stage.until(lambda: len(stage.window.workbench.facts) == len(stage.window.scene.nodes))
    for show in (view.fit_all, view.show_start):
        show()
        stage.settle()
    gc.collect()
    stage.end()
    return {"rss": [psutil.Process().memory_info().rss / 2**20]}


ROLES: dict[str, Callable[..., Result]] = {
    "graphs": graphs,
    "models": models,
    "cold": cold,
    "layout": layout,
    "edit": edit,
    "open": open_,
    "canvas": canvas,
    "memory": memory,
}

if __name__ == "__main__":
    answer = ROLES[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)
