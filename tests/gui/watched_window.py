"""The real program, which also writes what a test wants to know into a file: ``python ... OUT.json``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, QPointF, QTimer
from PySide6.QtWidgets import QWidget

from kbuilder import app
from kbuilder.ui.block_palette import BlockPalette
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
        window.scene.selection_changed.connect(lambda: _report(window, out))
        window.design.left.currentChanged.connect(
            lambda _: QTimer.singleShot(SETTLE_MS, lambda: _report(window, out))
        )
        return window

    app.make_window = make_watched
    return app.run_window(sample="digits-mlp")


def _report(window: MainWindow, out: Path) -> None:
    palette = window.design.palette_panel
    row = palette.tree.visualRect(palette.model.index_of("Dense"))
    viewport, scene = window.view.viewport(), window.scene
    tabs, blocks = window.design.left.tabBar(), window.design.blocks
    graph = window.document.project.graph

    def on_canvas(at: QPointF) -> list[int]:
        return _on_screen(viewport, window.view.mapFromScene(at))

    report = {
        "row": _on_screen(palette.tree.viewport(), row.center()),
        "canvas": _on_screen(viewport, QPoint(viewport.width() // 5, viewport.height() // 3)),
        "search": _on_screen(palette.search, palette.search.rect().center()),
        "tab": window.design.left.currentIndex(),
        "blocks_tab": _on_screen(tabs, tabs.tabRect(1).center()),
        "pieces": {
            index.data(): _on_screen(blocks.tree.viewport(), blocks.tree.visualRect(index).center())
            for index in _rows(blocks)
        },
        "boxes": {
            scene.name_of(box): on_canvas(scene.content_rect([box]).center())
            for box in scene.projection.boxes
        },
        "wires": [[scene.name_of(e.source), scene.name_of(e.target)] for e in graph.edges],
        "frames": {
            graph.group_by_id[group].name: [
                on_canvas(QPointF(box.left, box.top)),
                on_canvas(QPointF(box.right, box.bottom)),
            ]
            for group, box in scene.projection.frames.items()
        },
        "homes": {
            node.name: scene.name_of(node.group) if node.group else "" for node in graph.nodes
        },
        "selected": sorted(scene.name_of(node) for node in scene.selected_ids()),
        "layers": [node.class_name for node in window.document.project.graph.nodes],
        "undo": window.document.undo_text,
    }
    part = out.with_suffix(".part")
    part.write_text(json.dumps(report), "utf-8")
    os.replace(part, out)


def _rows(blocks: BlockPalette) -> list[QModelIndex]:
    """All rows of the palette of blocks, below their headings."""
    model = blocks.model
    headings = [model.index(row, 0) for row in range(model.rowCount())]
    return [model.index(n, 0, top) for top in headings for n in range(model.rowCount(top))]


def _on_screen(widget: QWidget, at: QPoint) -> list[int]:
    place = widget.mapToGlobal(at)
    return [place.x(), place.y()]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
