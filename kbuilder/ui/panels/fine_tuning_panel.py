"""Fine-tuning as a row of steps: each says what it is for, does it, and shows when it is done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from kbuilder.document import fine_tuning as tuning
from kbuilder.document.catalogue import Catalogue
from kbuilder.document.graph import Graph
from kbuilder.document.project import Project
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.panels.flow import FlowLayout
from kbuilder.ui.text import label
from kbuilder.ui.training import Training
from kbuilder.ui.workbench import Workbench

CARD_WIDTH, CARD_HEIGHT = 208, 148
DROPOUT = 0.2
PART = 5
"""The last fifth of the base is offered to learn in the second training."""


class FineTuningPanel(QScrollArea):
    """The steps of ``kbuilder.document.fine_tuning`` as cards.

    Signals:
        base_wanted: the user asks for a pretrained network.
        train_wanted: the user asks to train now.
    """

    base_wanted = Signal()
    train_wanted = Signal()

    def __init__(
        self,
        bridge: DocumentBridge,
        catalogue: Catalogue,
        workbench: Workbench,
        training: Training,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = bridge.document
        self._catalogue = catalogue
        self._workbench = workbench
        self._training = training
        self._ask_selected: Callable[[], list[str]] = list
        self.setWidgetResizable(True)
        self.setAccessibleName(self.tr("Fine-tuning"))
        self.classes = QSpinBox()
        self.classes.setRange(2, 100_000)
        self.classes.setSuffix(self.tr(" classes"))
        self.classes.setAccessibleName(self.tr("Classes"))
        self.last = QSpinBox()
        self.last.setRange(1, 100_000)
        self.last.setPrefix(self.tr("last "))
        self.last.setSuffix(self.tr(" layers"))
        self.last.setAccessibleName(self.tr("Layers of the base that learn"))
        self.cards = self._make_cards()
        self._lay_out()
        bridge.changed.connect(self.refresh)
        workbench.facts_changed.connect(self.refresh)
        workbench.preview_changed.connect(self._propose_classes)
        training.state_changed.connect(self.refresh)
        self._propose_classes()
        self.refresh()

    def _make_cards(self) -> dict[str, Card]:
        return {
            "base": Card(
                self.tr("1  Take a base"), self.tr("Choose a network…"), self.base_wanted.emit
            ),
            "top": Card(self.tr("2  Cut its top"), self.tr("Cut"), self._cut),
            "head": Card(self.tr("3  Add a head"), self.tr("Add"), self._add_head, self.classes),
            "freeze": Card(
                self.tr("4  Freeze the base"),
                self.tr("Freeze"),
                partial(self._apply, self.tr("Freeze the base"), tuning.freeze_base),
            ),
            "train": Card(self.tr("5  Train the head"), self.tr("Train"), self.train_wanted.emit),
            "unfreeze": Card(
                self.tr("6  Let its end learn"), self.tr("Unfreeze"), self._unfreeze, self.last
            ),
            "rate": Card(self.tr("7  Go on slowly"), self.tr("Lower the rate"), self._lower_rate),
            "again": Card(self.tr("8  Train again"), self.tr("Train"), self.train_wanted.emit),
        }

    def _lay_out(self) -> None:
        body = QWidget()
        body.setProperty("role", "side")
        column = QVBoxLayout(body)
        column.setContentsMargins(10, 8, 10, 8)
        flow = FlowLayout(8)
        column.addLayout(flow)
        column.addStretch(1)
        for card in self.cards.values():
            flow.addWidget(card)
        self.setWidget(body)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    @Slot()
    def refresh(self) -> None:
        """Say of each step how things stand."""
        project = self._document.project
        graph = project.graph
        base, head = tuning.base_of(graph), tuning.head_of(graph)
        frozen = sum(not graph.layer_of(node).trainable for node in base)
        learning = len(base) - frozen
        self._show_base(base)
        self._show_top(graph)
        self.cards["head"].show_state(
            ", ".join(graph.by_id[node].name for node in head)
            or self.tr("Pooling, Dropout, and a Dense layer with one unit for each class."),
            done=bool(head),
            enabled=bool(base) and not head,
        )
        self.cards["freeze"].show_state(
            self.tr("{0} of {1} layers of the base are frozen.").format(frozen, len(base)),
            done=bool(base) and (not learning or frozen > 0),
            enabled=bool(head) and learning > 0,
        )
        self._show_training(project, frozen, learning, head)

    def _show_base(self, base: tuple[str, ...]) -> None:
        run = self._training.run
        text = (
            self.tr("{0} layers, with weights that are in use.").format(len(base))
            if run and base
            else self.tr("A network that has learned from millions of pictures, or a model file.")
        )
        self.cards["base"].show_state(text, done=bool(run and base), enabled=True)

    def _show_top(self, graph: Graph) -> None:
        start = self._top(graph)
        behind = graph.downstream([start]) - {start} if start else set()
        behind -= set(tuning.head_of(graph))
        names = graph.by_id[start].name if start else ""
        if not start:
            text = self.tr("Select the layer behind which the old classifier begins.")
        elif behind:
            text = self.tr("{0} layers lie behind {1}.").format(len(behind), names)
        else:
            text = self.tr("Nothing is left behind {0}.").format(names)
        self.cards["top"].show_state(text, done=bool(start) and not behind, enabled=bool(behind))

    def _show_training(
        self, project: Project, frozen: int, learning: int, head: tuple[str, ...]
    ) -> None:
        idle = not self._training.active
        ready = bool(head) and idle
        rate = tuning.rate_of(project, self._catalogue)
        slow = rate is not None and rate <= tuning.SECOND_RATE * 10
        shown = self.tr("by a schedule") if rate is None else f"{rate:g}"
        proved = self._training.frozen is not None
        self.cards["train"].show_state(
            self.tr("Learning rate {0}. Some epochs, until it gets no better.").format(shown)
            if not slow
            else self.tr("Done with the faster rate."),
            done=proved and bool(head),
            enabled=ready and not slow,
        )
        self.cards["unfreeze"].show_state(
            self.tr("{0} layers of the base learn. BatchNormalization stays frozen.").format(
                learning
            ),
            done=bool(head) and learning > 0 and frozen > 0,
            enabled=ready and frozen > 0,
        )
        self.cards["rate"].show_state(
            self.tr("Learning rate {0}; a hundredth spares what the base knows.").format(shown),
            done=slow,
            enabled=ready and not slow,
        )
        self.cards["again"].show_state(
            self.tr("Begins with the weights in use. Watch that validation still gets better."),
            done=False,
            enabled=ready and slow,
        )

    def _top(self, graph: Graph) -> str:
        """Where to cut: behind the one selected layer, or where most networks end."""
        selected = [node for node in self._ask_selected() if node in graph.by_id]
        return selected[0] if len(selected) == 1 else tuning.top_of(graph)

    def follow_selection(self, selected: Callable[[], list[str]]) -> None:
        """Ask here for the selected layers; call ``refresh`` when they change."""
        self._ask_selected = selected
        self.refresh()

    @Slot()
    def _propose_classes(self) -> None:
        preview = self._workbench.preview
        counts = [len(field.classes) for field in preview.fields] if preview else []
        if any(counts):
            self.classes.setValue(max(counts))
        base = len(tuning.base_of(self._document.project.graph))
        self.last.setValue(max(base // PART, 1))

    def _cut(self) -> None:
        start = self._top(self._document.project.graph)
        self._apply(self.tr("Cut the top"), partial(tuning.cut_top, node=start))

    def _add_head(self) -> None:
        graph = self._document.project.graph
        source = graph.outputs[0].id if graph.outputs else tuning.top_of(graph)
        facts = self._workbench.facts.get(source)
        rank = len(facts.outputs[0].shape) if facts and facts.outputs else 2
        self._apply(
            self.tr("Add a head"),
            partial(
                tuning.add_head,
                source=source,
                rank=rank,
                classes=self.classes.value(),
                dropout=DROPOUT,
            ),
        )

    def _unfreeze(self) -> None:
        base = tuning.base_of(self._document.project.graph)
        start = base[-min(self.last.value(), len(base))]
        self._apply(
            self.tr("Unfreeze the end of the base"), partial(tuning.unfreeze_top, start=start)
        )

    def _lower_rate(self) -> None:
        self._apply(
            self.tr("Lower the learning rate"),
            partial(tuning.lower_rate, catalogue=self._catalogue),
        )

    def _apply(self, text: str, edit: Callable[[Project], Project]) -> None:
        self._document.apply(text, edit)


class Card(QFrame):
    """One step: a title with a tick when it is done, how things stand, a field, a button."""

    def __init__(
        self, title: str, action: str, run: Callable[[], object], field: QWidget | None = None
    ) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.setFixedSize(CARD_WIDTH, CARD_HEIGHT)
        self._plain = title
        self._title = label(title, "strong")
        self.text = label(role="muted")
        self.text.setWordWrap(True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.button = QPushButton(action)
        self.button.setAccessibleName(f"{title}: {action}")
        self.button.clicked.connect(lambda: run())
        self.done = False
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(6)
        column.addWidget(self._title)
        column.addWidget(self.text, 1)
        if field is not None:
            column.addWidget(field)
        column.addWidget(self.button)

    def show_state(self, text: str, *, done: bool, enabled: bool) -> None:
        """Say how things stand, and whether the button can be pressed."""
        self.done = done
        self._title.setText(f"{self._plain}  ✓" if done else self._plain)
        self.text.setText(text)
        self.button.setEnabled(enabled)
