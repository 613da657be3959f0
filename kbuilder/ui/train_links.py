"""From what the Train workspace shows to where more is to be seen of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

if TYPE_CHECKING:
    from kbuilder.ui.main_window import MainWindow
    from kbuilder.ui.panels.train_workspace import TrainWorkspace

MOST_NAMED = 8


class TrainLinks(QObject):
    """Shows a layer in the Design workspace, and samples of a confusion in the Inspect workspace."""

    def __init__(self, page: TrainWorkspace, window: MainWindow) -> None:
        super().__init__(page)
        self._window = window
        page.told.connect(window.tell)
        page.node_wanted.connect(self._show_node)
        page.samples_chosen.connect(self._show_samples)

    @Slot(str)
    def _show_node(self, node: str) -> None:
        from kbuilder.ui.main_window import DESIGN

        self._window.show_workspace(DESIGN)
        self._window.design.go_to(node)

    @Slot(str, str, str, tuple)
    def _show_samples(self, output: str, truth: str, taken: str, samples: tuple[int, ...]) -> None:
        """Inspect the first of the samples of a class that were taken for another one."""
        from kbuilder.ui.main_window import INSPECT
        from kbuilder.ui.panels.inspect_workspace import InspectWorkspace

        if not samples:
            self._window.tell(self.tr("{0}: all of these were right.").format(truth))
            return
        page = self._window.page(INSPECT)
        if isinstance(page, InspectWorkspace):
            self._window.show_workspace(INSPECT)
            page.choose(output, samples[0])
        numbers = ", ".join(str(sample) for sample in samples[:MOST_NAMED])
        text = self.tr("{0} taken for {1}: samples {2}").format(truth, taken, numbers)
        self._window.tell(f"{text}…" if len(samples) > MOST_NAMED else text)
