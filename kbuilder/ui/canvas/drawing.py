"""The whole graph as a picture in a file: SVG and PDF with text as text, PNG in pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QMarginsF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import (
    QGuiApplication,
    QImage,
    QPageLayout,
    QPageSize,
    QPaintDevice,
    QPainter,
    QPdfWriter,
)
from PySide6.QtSvg import QSvgGenerator, QSvgRenderer
from PySide6.QtWidgets import QGraphicsItem

from kbuilder.document.atomic import write_atomically
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.document import Document
from kbuilder.document.errors import KBuilderError
from kbuilder.document.facts import NodeFacts
from kbuilder.document.project import Project
from kbuilder.ui import theme
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.document_bridge import DocumentBridge

MARGIN = 8.0
SHARPNESS = 2.0
"""Pixels of a PNG for a scene unit."""
MOST_PIXELS = 60_000_000
LONGEST_SIDE = 30_000
POINTS_PER_INCH = 72.0

Facts = Mapping[str, NodeFacts]


def draw(project: Project, catalogue: Catalogue, facts: Facts, path: Path) -> None:
    """Draw the graph in the light colours, whatever theme the window has, tightly cut.

    Raises:
        KBuilderError: there is nothing to draw, or the file cannot be read back.
        SaveError: it could not be written; what stood there before still does.
    """
    if not project.graph.nodes:
        raise KBuilderError("There is nothing to draw: the graph has no layer.")
    with theme.painted_in(theme.LIGHT):
        scene = CanvasScene(DocumentBridge(Document(project)), catalogue)
        scene.set_facts(facts, ())
        scene.set_zoom(1.0)
        for item in scene.items():
            item.setCacheMode(QGraphicsItem.CacheMode.NoCache)  # a cached item is painted in pixels
        area = _extent(scene)
        write = _WRITERS[path.suffix.lower()]
        write_atomically(path, lambda temporary: write(scene, area, temporary))
        scene.deleteLater()


def _extent(scene: CanvasScene) -> QRectF:
    """All that is painted; wires may run outside of the boxes."""
    area = scene.content_rect()
    for wire in scene.edges.values():
        area = area.united(wire.sceneBoundingRect())
    return area.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)


def _dots_per_inch() -> int:
    """Of the screen, so that fonts keep the size that the boxes were made for."""
    return round(QGuiApplication.primaryScreen().logicalDotsPerInch())


def _write_svg(scene: CanvasScene, area: QRectF, path: Path) -> None:
    generator = QSvgGenerator()
    generator.setFileName(str(path))
    generator.setResolution(_dots_per_inch())
    generator.setSize(area.size().toSize())
    generator.setViewBox(QRectF(0.0, 0.0, area.width(), area.height()))
    generator.setTitle("kbuilder")
    _paint(scene, area, generator, QRectF(0.0, 0.0, area.width(), area.height()))
    if not QSvgRenderer(str(path)).isValid():
        raise KBuilderError(f"“{path.name}” was not written: the picture cannot be read back.")


def _write_pdf(scene: CanvasScene, area: QRectF, path: Path) -> None:
    dots = _dots_per_inch()
    size = area.size() * (POINTS_PER_INCH / dots)
    writer = QPdfWriter(str(path))
    writer.setCreator("kbuilder")
    writer.setResolution(dots)
    page = QPageSize(QSizeF(size), QPageSize.Unit.Point, "", QPageSize.SizeMatchPolicy.ExactMatch)
    upright = QPageLayout.Orientation.Portrait
    writer.setPageLayout(QPageLayout(page, upright, QMarginsF(), QPageLayout.Unit.Point))
    _paint(scene, area, writer, QRectF(0.0, 0.0, area.width(), area.height()))
    if not path.read_bytes().rstrip().endswith(b"%%EOF"):
        raise KBuilderError(f"“{path.name}” was not written: the picture is not complete.")


def _write_png(scene: CanvasScene, area: QRectF, path: Path) -> None:
    scale = min(
        SHARPNESS,
        (MOST_PIXELS / (area.width() * area.height())) ** 0.5,
        LONGEST_SIDE / max(area.width(), area.height()),
    )
    size = QSize(round(area.width() * scale), round(area.height() * scale))
    image = QImage(size, QImage.Format.Format_RGB32)
    _paint(scene, area, image, QRectF(0.0, 0.0, size.width(), size.height()))
    if not image.save(str(path)) or QImage(str(path)).size() != size:
        raise KBuilderError(f"“{path.name}” was not written: the picture cannot be read back.")


def _paint(scene: CanvasScene, area: QRectF, device: QPaintDevice, target: QRectF) -> None:
    painter = QPainter(device)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.fillRect(target, theme.current().panel)
    scene.render(painter, target, area, Qt.AspectRatioMode.IgnoreAspectRatio)
    painter.end()


_WRITERS: dict[str, Callable[[CanvasScene, QRectF, Path], None]] = {
    ".svg": _write_svg,
    ".pdf": _write_pdf,
    ".png": _write_png,
}
