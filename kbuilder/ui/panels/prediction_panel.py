"""What the model says about the inspected sample, and statistics of the layer's output."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kbuilder.link.events import ActivationsComputed
from kbuilder.link.values import DataPreview
from kbuilder.ui import theme
from kbuilder.ui.bars import BarRows
from kbuilder.ui.pictures import as_grey, pixmap, to_numpy
from kbuilder.ui.text import label
from kbuilder.ui.workbench import Workbench

PICTURE = 104
BINS = 40
MOST_BARS = 5


class PredictionPanel(QWidget):
    """The right column of the Inspect workspace."""

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self.setProperty("role", "side-right")
        self._picture = label()
        self._truth = label(role="big")
        self._answer = label(role="big")
        self._bars = BarRows()
        self._statistics = label(role="mono")
        self._histogram = pg.PlotWidget(background=None)
        self._histogram.setMenuEnabled(False)
        self._histogram.hideButtons()
        self._histogram.setFixedHeight(130)
        self._histogram.setMouseEnabled(x=False, y=False)
        self._histogram.setAccessibleName(self.tr("Histogram of the layer's output"))
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(6)
        column.addWidget(label(self.tr("PREDICTION"), "heading"))
        column.addWidget(self._picture)
        column.addWidget(label(self.tr("true"), "muted"))
        column.addWidget(self._truth)
        column.addWidget(label(self.tr("predicted"), "muted"))
        column.addWidget(self._answer)
        column.addWidget(self._bars)
        column.addSpacing(8)
        column.addWidget(label(self.tr("STATISTICS"), "heading"))
        column.addWidget(self._statistics)
        column.addWidget(self._histogram)
        column.addStretch(1)

    def show_event(self, event: ActivationsComputed, output: NDArray[np.float32]) -> None:
        """Show prediction and truth of the sample, and the spread of ``output``."""
        self._show_picture(event)
        self._show_answer(event)
        self._show_statistics(output)

    def _show_picture(self, event: ActivationsComputed) -> None:
        values = to_numpy(next(iter(event.inputs.values())))[0]
        is_picture = values.ndim == 2 or (values.ndim == 3 and values.shape[-1] in (1, 3))
        self._picture.setVisible(is_picture)
        if is_picture:
            self._picture.setPixmap(pixmap(as_grey(values), PICTURE))

    def _show_answer(self, event: ActivationsComputed) -> None:
        if not event.outputs:
            return
        node = event.node if event.node in event.outputs else next(iter(event.outputs))
        array = event.outputs[node]
        scores = to_numpy(array)[0].reshape(-1).astype(np.float32)
        classes = _classes(self._workbench.preview, node)
        truth = to_numpy(event.truth[node])[0].reshape(-1) if node in event.truth else None
        if len(scores) > 1:
            best = int(scores.argmax())
            real = None if truth is None else int(truth[0] if len(truth) == 1 else truth.argmax())
            names = classes if len(classes) == len(scores) else tuple(map(str, range(len(scores))))
            self._set_words("—" if real is None else names[real], names[best], real == best)
            order = np.argsort(scores)[::-1][:MOST_BARS]
            self._bars.show_rows([(names[i], float(scores[i]), f"{scores[i]:.2f}") for i in order])
        else:
            real_text = "—" if truth is None else f"{float(truth[0]):.4g}"
            self._set_words(real_text, f"{float(scores[0]):.4g}", right=True)
            self._bars.show_rows([])

    def _set_words(self, truth: str, answer: str, right: bool) -> None:
        self._truth.setText(truth)
        self._answer.setText(answer if right else f"{answer}  ✕")
        colour = theme.current().text if right else theme.current().error
        palette = self._answer.palette()
        palette.setColor(palette.ColorRole.WindowText, colour)
        self._answer.setPalette(palette)

    def _show_statistics(self, output: NDArray[np.float32]) -> None:
        flat = output.reshape(-1)
        zeros = float((flat == 0).mean()) * 100
        lines = [
            self.tr("mean   {0}").format(f"{flat.mean():.4g}"),
            self.tr("std    {0}").format(f"{flat.std():.4g}"),
            self.tr("range  {0}").format(f"{flat.min():.4g} … {flat.max():.4g}"),
            self.tr("zeros  {0} %").format(f"{zeros:.1f}"),
        ]
        if output.ndim == 3:
            dead = int((np.abs(output).max((0, 1)) == 0).sum())
            lines.append(self.tr("dead   {0} of {1} channels").format(dead, output.shape[-1]))
        self._statistics.setText("\n".join(lines))
        counts, edges = np.histogram(flat[np.isfinite(flat)], bins=BINS)
        self._histogram.clear()
        width = float(edges[1] - edges[0])
        colours = theme.current()
        self._histogram.addItem(
            pg.BarGraphItem(
                x0=edges[:-1], width=width, height=counts, brush=colours.accent, pen=colours.panel
            )
        )


def _classes(preview: DataPreview | None, node: str) -> tuple[str, ...]:
    if preview is None:
        return ()
    fields = {field.name: field for field in preview.fields}
    names = preview.targets.get(node, ())
    return fields[names[0]].classes if len(names) == 1 and names[0] in fields else ()
