"""What a dry run found, told in a box."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject, Slot
from PySide6.QtWidgets import QWidget

from kbuilder.document.document import Document
from kbuilder.document.graph import Graph
from kbuilder.link.requests import DryRun
from kbuilder.link.run_events import DryRunDone
from kbuilder.ui import dialogs
from kbuilder.ui.engine_thread import EngineThread
from kbuilder.ui.training import Training


class DryRuns(QObject):
    """Asks what training would take, and shows the answer."""

    def __init__(
        self, document: Document, training: Training, engine: EngineThread, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._window = parent
        self._document = document
        self._training = training
        self._engine = engine
        training.done.connect(self._take)

    def ask(self) -> None:
        """Have the engine do a few steps at growing batch sizes."""
        self._engine.send(
            DryRun(
                request=self._engine.next_request(),
                project=self._document.project,
                base=self._training.base,
                devices=self._training.devices,
            )
        )

    @Slot(object)
    def _take(self, event: object) -> None:
        if isinstance(event, DryRunDone):
            title, text = dry_run_words(event, self._document.project.graph)
            dialogs.show_facts(self._window, title, text)


def dry_run_words(found: DryRunDone, graph: Graph) -> tuple[str, str]:
    """Title and text of the answer."""

    def tr(text: str) -> str:
        return QCoreApplication.translate("dry_run", text)

    heaviest = graph.by_id.get(found.heaviest)
    lines = [
        tr("Peak memory {0} GiB; {1} GiB are free.").format(
            f"{found.peak_bytes / 2**30:.2f}", f"{found.free_bytes / 2**30:.1f}"
        ),
        tr("The largest batch that fits has {0} samples.").format(f"{found.largest_batch:,}"),
    ]
    if heaviest is not None:
        lines.append(tr("“{0}” takes most memory for its outputs.").format(heaviest.name))
    for size, peak, seconds in found.rows:
        rate = size / max(seconds, 1e-9)
        lines.append(
            tr("batch size {0}: {1} ms a step, {2} samples a second, {3} GiB").format(
                size, f"{1000 * seconds:.1f}", f"{rate:,.0f}", f"{peak / 2**30:.2f}"
            )
        )
    title = tr("About {0} s an epoch at batch size {1}").format(
        f"{found.epoch_seconds:.2g}", found.batch_size
    )
    return title, "\n".join(lines)
