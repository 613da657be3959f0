"""How far a run is, and how good it was at best: the cards above the curves."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from kbuilder.document.options import FitOptions
from kbuilder.ui.elided import Elided
from kbuilder.ui.live_run import LiveRun
from kbuilder.ui.text import label
from kbuilder.ui.training import Training
from kbuilder.ui.training_state import State


class ProgressCard(QFrame):
    """Epoch, step, speed and time of a run, over a bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._epoch = label(role="strong")
        self._speed = Elided()
        self._time = label()
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the training"))
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addWidget(self._epoch)
        row.addWidget(self._speed, 1)
        row.addWidget(self._time)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 12)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self._bar)
        self.clear()

    def clear(self) -> None:
        """No run yet."""
        self._epoch.setText(self.tr("Not trained yet"))
        self._speed.setText("")
        self._time.setText("")
        self._bar.setValue(0)

    def show_run(self, run: LiveRun, training: Training) -> None:
        """Show how far the run is."""
        epochs = run.started.epochs
        epoch = min(run.epoch + 1, epochs) if training.active else run.epoch
        self._epoch.setText(self.tr("Epoch {0} / {1}").format(epoch, epochs))
        parts = [self.tr("step {0}").format(f"{run.step:,}")]
        if run.epoch_seconds:
            seconds = run.epoch_seconds[-1]
            parts.append(self.tr("{0} s / epoch").format(f"{seconds:.2g}"))
            rate = run.started.samples / max(seconds, 1e-6)
            parts.append(self.tr("{0} samples/s").format(f"{rate:,.0f}"))
        self._speed.setText("   ".join(parts))
        self._bar.setValue(round(1000 * run.fraction))
        if training.state is State.PAUSED:
            self._time.setText(self.tr("Paused"))
        elif training.active:
            self._show_time(run, training.stopwatch.seconds)
        else:
            self._time.setText(self.tr("{0} in all").format(clock(sum(run.epoch_seconds))))

    def _show_time(self, run: LiveRun, elapsed: float) -> None:
        left = run.seconds_left(elapsed)
        text = self.tr("{0} elapsed").format(clock(elapsed))
        if left is not None:
            text += " · " + self.tr("{0} left").format(clock(left))
        self._time.setText(text)


class BestCard(QFrame):
    """The best validation loss (or what early stopping watches), its epoch, and the patience left."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.name = label(role="muted")
        self.value = label(role="good")
        self.at = label(role="muted")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.value)
        row.addWidget(self.at, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 6, 14, 6)
        column.setSpacing(0)
        column.addWidget(self.name)
        column.addLayout(row)
        self.clear()

    def clear(self) -> None:
        """No run yet."""
        self.name.setText(self.tr("best"))
        self.value.setText("—")
        self.at.setText("")

    def show_run(self, run: LiveRun, fit: FitOptions) -> None:
        """Show the best epoch of a run that is trained with these options."""
        stopping = next((c for c in fit.callbacks if c.class_name == "EarlyStopping"), None)
        name = str(stopping.params.get("monitor", "val_loss")) if stopping else "val_loss"
        if name not in run.epochs:
            name = "val_loss" if "val_loss" in run.epochs else "loss"
        best = run.best(name)
        self.name.setText(self.tr("best {0}").format(name))
        if best is None:
            self.value.setText("—")
            self.at.setText("")
            return
        self.value.setText(f"{best[1]:.4f}" if abs(best[1]) >= 1e-3 else f"{best[1]:.3g}")
        text = self.tr("epoch {0}").format(best[0] + 1)
        if stopping:
            waited = run.epochs[name][-1][0] - best[0]
            patience = int(stopping.params.get("patience", 0))
            text += " · " + self.tr("patience {0} / {1}").format(waited, patience)
        self.at.setText(text)


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours when there are some."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{hours}:{minutes}" if hours else minutes
