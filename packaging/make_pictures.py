"""Takes the README's pictures of the real window: ``python packaging/make_pictures.py``.

Trains the digits sample in a window offscreen and grabs each workspace, dark and light, and after
that the canvas with blocks, a comment and a problem, own code, and the steps of fine-tuning.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QObject, QTimer

from kbuilder import app
from kbuilder.document import edits
from kbuilder.document.comment_edits import add_comment
from kbuilder.document.fine_tuning import add_head, freeze_base
from kbuilder.document.graph import Comment, Group
from kbuilder.document.group_edits import collapse, group
from kbuilder.document.options import DataOptions
from kbuilder.document.project import Project
from kbuilder.document.templates import load_templates
from kbuilder.link.requests import MakeApplication
from kbuilder.resources import resource
from kbuilder.ui import theme
from kbuilder.ui.main_window import DATA, DESIGN, INSPECT, RUNS, TRAIN

PICTURES = Path(__file__).parent / "pictures"
SIZE = (1440, 900)
SETTLE_MS = 2500
READABLE = 0.7


class Photographer(QObject):
    """Walks through the workspaces, a step each time the window has settled."""

    def __init__(self) -> None:
        super().__init__()
        self._application = app.make_application()
        self._window = app.make_window()
        self._window.resize(*SIZE)
        self._window.files.open_sample("digits-cnn")
        self._window.show()
        self._steps: list[Callable[[], None]] = [
            self._data,
            self._design,
            self._inspect,
            self._runs,
            self._blocks,
            self._blocks_drawn,
            self._code,
            self._code_checked,
            self._base,
            self._base_made,
            self._tuned,
            self._close,
        ]
        self._window.training.ended.connect(self._trained)
        self._window.workbench.preview_changed.connect(self._train)

    def _train(self) -> None:
        if self._window.workbench.preview is not None and not self._window.training.active:
            self._window.workbench.preview_changed.disconnect(self._train)
            self._window.train()

    def _trained(self) -> None:
        self._grab("train")
        self._next()

    def _next(self) -> None:
        step = self._steps.pop(0)
        step()
        if self._steps:
            QTimer.singleShot(SETTLE_MS, self, self._next)

    def _data(self) -> None:
        self._window.show_workspace(DATA)
        self._grab("data")
        self._window.show_workspace(DESIGN)
        self._window.view.show_start()
        self._window.scene.select([self._id("shortcut")])

    def _design(self) -> None:
        self._grab("design")
        self._window.show_workspace(INSPECT)
        self._window.page(INSPECT).choose(self._id("conv_2"), 5)

    def _inspect(self) -> None:
        self._grab("inspect")
        self._window.show_workspace(RUNS)

    def _runs(self) -> None:
        self._grab("runs")
        self._window.show_workspace(TRAIN)

    def _blocks(self) -> None:
        """An open block, a folded one, a comment, and a problem that can be fixed."""
        window = self._window
        window.show_workspace(DESIGN)
        window.files.open_sample("digits-cnn")
        window.document.apply("Residual", self._with_block)
        window.scene.select((), [(self._id("conv_3"), 0, self._id("average"), 0)])
        template = next(each for each in load_templates() if each.name == "squeeze_excite")
        window.view.insert_piece(template.fragment(), template.title)
        inserted = window.scene.selected_groups()
        window.scene.select(())
        window.document.apply("Fold", lambda project: collapse(project, inserted, True))
        gone = [self._id("average")]
        window.document.apply("Remove", lambda project: edits.remove(project, gone, heal=True))
        window.scene.select(inserted)
        window.view.set_zoom(READABLE)
        frame = window.scene.frames["residual"].sceneBoundingRect()
        window.view.centerOn(frame.united(window.scene.content_rect(inserted)).center())

    def _with_block(self, project: Project) -> Project:
        residual = Group(id="residual", name="residual", colour="blue")
        ids = [self._id(name) for name in ("conv_2", "normalization", "shortcut", "add")]
        note = Comment(
            id="why",
            text="The shortcut keeps what conv_1 saw; BatchNormalization keeps its scale.",
            x=-400.0,
            y=330.0,
            colour="amber",
        )
        return add_comment(group(project, residual, ids, []), note)

    def _blocks_drawn(self) -> None:
        """Once the engine has told what is wrong."""
        if self._window.workbench.problems:
            self._grab("design_blocks")
        else:
            self._steps.insert(0, self._blocks_drawn)

    def _code(self) -> None:
        """Own code, as an example brings it."""
        self._window.document.open(Project(), None)  # nothing unsaved that would be asked for
        self._window.files.open_sample("digits-cnn")
        problems = self._window.design.problems
        problems.show_code()
        problems.code().insert(resource("examples", "focal_loss.py"))
        self._window.view.show_start()

    def _code_checked(self) -> None:
        self._window.design.problems.code().show_line(1)
        self._grab("code")

    def _base(self) -> None:
        """A base, small and with fresh weights."""
        self._window.document.open(Project(data=DataOptions(kind="sample", path="digits")), None)
        self._window.show_tuning()
        shape = (32, 32, 3)
        wanted = MakeApplication(
            request=0, run="", name="MobileNetV2", include_top=False, pooling="avg", shape=shape
        )
        self._window.files.open_base(wanted)

    def _base_made(self) -> None:
        """Once it is there, with a head and frozen."""
        if len(self._window.workbench.facts) < len(self._window.document.project.graph.nodes):
            self._steps.insert(0, self._base_made)
            return
        graph = self._window.document.project.graph
        source = graph.outputs[0].id
        self._window.document.apply("Head", lambda project: add_head(project, source, 2, 10, 0.2))
        self._window.document.apply("Freeze", freeze_base)
        self._window.view.set_zoom(READABLE)
        last = [node.id for node in graph.order[-3:]]
        self._window.view.centerOn(self._window.scene.content_rect(last).center())

    def _tuned(self) -> None:
        self._grab("fine_tuning")

    def _close(self) -> None:
        self._window.document.open(Project(), None)
        self._window.close()
        self._application.quit()

    def _id(self, name: str) -> str:
        nodes = self._window.document.project.graph.nodes
        return next(node.id for node in nodes if node.name == name)

    def _grab(self, name: str) -> None:
        PICTURES.mkdir(exist_ok=True)
        for look in ("light", "dark"):
            theme.apply_theme(self._application, look)
            self._application.processEvents()
            self._window.grab().save(str(PICTURES / f"{name}_{look}.png"))


if __name__ == "__main__":
    photographer = Photographer()
    sys.exit(photographer._application.exec())
