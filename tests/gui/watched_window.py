"""The real program, which also writes what a test wants to know into a file: ``python ... OUT.json``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtWidgets import QWidget

from kbuilder import app
from kbuilder.ui.main_window import MainWindow

SETTLE_MS = 400


def main(out: Path) -> int:
    """Run the window; places on the screen and layers of the model go to ``out`` at each change."""
    make_window = app.make_window

    def make_watched() -> MainWindow:
        window = make_window()
        window.painted.disconnect(window.workbench.start)  # no engine is needed to draw
        # The icons come after the first picture and move what stands below them.
        window.painted.connect(lambda: QTimer.singleShot(SETTLE_MS, lambda: _report(window, out)))
        window.bridge.changed.connect(lambda _: _report(window, out))
        return window

    app.make_window = make_watched
    return app.run_window(sample="digits-mlp")


def _report(window: MainWindow, out: Path) -> None:
    palette = window.design.palette_panel
    row = palette.tree.visualRect(palette.model.index_of("Dense"))
    viewport = window.view.viewport()
    report = {
        "row": _on_screen(palette.tree.viewport(), row.center()),
        "canvas": _on_screen(viewport, QPoint(viewport.width() // 5, viewport.height() // 3)),
        "search": _on_screen(palette.search, palette.search.rect().center()),
        "layers": [node.class_name for node in window.document.project.graph.nodes],
        "undo": window.document.undo_text,
    }
    part = out.with_suffix(".part")
    part.write_text(json.dumps(report), "utf-8")
    os.replace(part, out)


def _on_screen(widget: QWidget, at: QPoint) -> list[int]:
    place = widget.mapToGlobal(at)
    return [place.x(), place.y()]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
