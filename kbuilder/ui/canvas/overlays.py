"""What floats over the canvas: breadcrumb, minimap, and the tip beside the mouse."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from kbuilder.ui.canvas.overview import Minimap
from kbuilder.ui.text import label

_MARGIN = 14
_TIP_OFFSET = QPoint(16, 18)


class Breadcrumb(QWidget):
    """Where one is: the project, the graph in it, and the blocks that were entered."""

    chosen = Signal(str)
    """Id of the block to go back to, empty for the whole graph."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)
        self.setProperty("role", "pill")
        self.setAccessibleName(self.tr("Place in the project"))
        self._project = label(self.tr("untitled"), "muted")
        self._steps: list[QWidget] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(10, 4, 10, 4)
        self._row.setSpacing(5)
        self._row.addWidget(self._project)
        self.set_path(())

    def set_project(self, name: str) -> None:
        """Show another project's name."""
        self._project.setText(name)
        self.adjustSize()

    def set_path(self, blocks: Sequence[tuple[str, str]]) -> None:
        """Show ids and names of the blocks that are entered, the outermost first."""
        for step in self._steps:
            step.setParent(None)
            step.deleteLater()
        places = [("", self.tr("main graph")), *blocks]
        self._steps = []
        for block, name in places[:-1]:
            self._steps += [label("▸", "muted"), self._way_back(block, name)]
        self._steps += [label("▸", "muted"), label(places[-1][1], "strong")]
        for step in self._steps:
            self._row.addWidget(step)
            step.show()  # a hidden part has no size yet
        self.adjustSize()

    def _way_back(self, block: str, name: str) -> QPushButton:
        button = QPushButton(name.replace("&", "&&"))
        button.setProperty("role", "link")
        button.setToolTip(self.tr("Back to {0}").format(name))
        button.setAccessibleName(self.tr("Back to {0}").format(name))
        button.clicked.connect(lambda: self.chosen.emit(block))
        return button


class Overlays:
    """Keeps the floating parts in their corners.

    They are children of the view, not of its viewport, so that scrolling still moves pixels only.
    """

    def __init__(self, view: QWidget, breadcrumb: Breadcrumb, minimap: Minimap) -> None:
        self._view = view
        self._breadcrumb = breadcrumb
        self._minimap = minimap
        self._tip = label("", "card", view)
        self._tip.setContentsMargins(9, 6, 9, 6)
        self._tip.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._tip.hide()
        self._invitation = label("", "muted", view)
        self._invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._invitation.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._invitation.setText(
            QCoreApplication.translate(
                "Overlays",
                "Nothing here yet.\n\nDrag an Input and some layers from the left,\n"
                "or press Space and type the name of one.",
            )
        )

    def show_invitation(self, empty: bool) -> None:
        """Say on an empty canvas how to begin."""
        self._invitation.setVisible(empty)
        self._minimap.setHidden(empty or not self._roomy)

    @property
    def _roomy(self) -> bool:
        size = self._minimap.sizeHint()
        return self._view.width() > 3 * size.width() and self._view.height() > 2 * size.height()

    def place(self) -> None:
        """Put breadcrumb and minimap into the upper corners; no minimap in a small view."""
        self._breadcrumb.adjustSize()
        self._breadcrumb.move(_MARGIN, _MARGIN - 2)
        size = self._minimap.sizeHint()
        self._minimap.resize(size)
        self._minimap.move(self._view.width() - size.width() - _MARGIN, _MARGIN)
        self._minimap.setHidden(self._invitation.isVisibleTo(self._view) or not self._roomy)
        self._invitation.adjustSize()
        self._invitation.move(self._view.rect().center() - self._invitation.rect().center())

    def show_tip(self, text: str, mouse: QPoint) -> None:
        """Show a sentence beside the mouse; hide it without one."""
        self._tip.setVisible(bool(text))
        if not text:
            return
        self._tip.setText(text)
        self._tip.setWordWrap(False)
        self._tip.adjustSize()
        if self._tip.width() > 320:
            self._tip.setWordWrap(True)
            self._tip.setFixedWidth(320)
            self._tip.adjustSize()
        place = mouse + _TIP_OFFSET
        place.setX(max(0, min(place.x(), self._view.width() - self._tip.width())))
        place.setY(max(0, min(place.y(), self._view.height() - self._tip.height())))
        self._tip.move(place)
        self._tip.raise_()
