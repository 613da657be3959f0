"""The forms of what is selected: one layer, several, or a block; a summary when nothing is."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue, ParamSpec
from kbuilder.document.document import Edit
from kbuilder.document.graph import INPUT_CLASS, Graph, Node
from kbuilder.document.naming import KERAS_NAME
from kbuilder.ui import theme
from kbuilder.ui.canvas.grouping import CanvasGrouping
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.panels.common_params import common_params, common_values
from kbuilder.ui.panels.facts_card import FactsCard
from kbuilder.ui.text import count_text, label, tooltip
from kbuilder.ui.workbench import Workbench

if TYPE_CHECKING:
    from kbuilder.ui.forms.form import Form
    from kbuilder.ui.panels.adapt_section import AdaptSection
    from kbuilder.ui.panels.block_panel import BlockPanel
    from kbuilder.ui.panels.call_section import CallSection

NAME = ParamSpec(name="name", kinds=("text",), required=True, help="What Keras calls the layer.")
TRAINABLE = ParamSpec(
    name="trainable",
    kinds=("bool",),
    default=True,
    help="Off: the layer is frozen, its weights stay as they are in training.",
)


class PropertiesPanel(QScrollArea):
    """Shows and edits what is selected on the canvas."""

    node_wanted = Signal(str)
    """Id of a node that shall be selected and shown."""
    keep_wanted = Signal(str)
    """Id of a block that shall be kept in the library."""

    def __init__(
        self,
        bridge: DocumentBridge,
        catalogue: Catalogue,
        scene: CanvasScene,
        workbench: Workbench,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = bridge.document
        self._catalogue = catalogue
        self._scene = scene
        self._workbench = workbench
        self._shown: tuple[ParamSpec, ...] | None = None
        self._nodes: list[Node] = []
        self._counted: list[str] = []
        self._faults: dict[str, str] = {}
        self._forms: tuple[Form, Form] | None = None
        self._call: CallSection | None = None
        self._adapt: AdaptSection | None = None
        self._block: BlockPanel | None = None
        self.setProperty("role", "side-right")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        body.setProperty("role", "side")
        self.setWidget(body)
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(14, 12, 14, 12)
        self._column.setSpacing(8)
        self._column.addWidget(label(self.tr("PROPERTIES"), "heading"))
        self._make_head()
        self._owner = self._make_owner_button()
        self._forms_at = self._column.count()
        self._facts = FactsCard()
        self._column.addWidget(self._facts)
        self._help = label(role="muted")
        self._help.setWordWrap(True)
        self._column.addWidget(self._help)
        self._column.addStretch(1)
        scene.selection_changed.connect(self.refresh)
        scene.root_changed.connect(self.refresh)
        bridge.changed.connect(self.refresh)
        workbench.facts_changed.connect(self._show_facts)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show the selection as it is now."""
        graph = self._document.project.graph
        ids = [node for node in self._scene.selected_ids() if node in graph.by_id]
        blocks = self._scene.selected_groups()
        if not ids and self._scene.root in graph.group_by_id:
            blocks, ids = [self._scene.root], list(graph.members[self._scene.root])
        block = blocks[0] if len(blocks) == 1 and set(graph.members[blocks[0]]) == set(ids) else ""
        self._nodes = [] if block else [graph.by_id[node] for node in ids]
        for form in self._forms or ():
            form.setVisible(bool(self._nodes))
        for section in (self._call, self._adapt):
            if section is not None:
                section.setVisible(bool(self._nodes))
        if self._block is not None:
            self._block.setVisible(bool(block))
        self._owner.setVisible(len(self._nodes) == 1 and bool(self._nodes[0].shares))
        self._counted = ids
        if block:
            self._show_block(graph, block)
        elif self._nodes:
            self._show_nodes(graph)
        self._show_facts()

    @Slot()
    def _show_facts(self) -> None:
        """Show what is known of the selection; the document is the same."""
        graph = self._document.project.graph
        counted = [self._workbench.facts.get(node) for node in self._counted or graph.by_id]
        self._facts.show_facts([facts for facts in counted if facts], tensors=len(self._nodes) == 1)
        if len(self._nodes) == 1:
            self._show_one(self._nodes[0], graph)
        elif not self._counted:
            self._show_model(graph)
        self._show_faults()

    @Slot()
    def focus_form(self) -> None:
        """Put the keyboard into the first field of the layer's parameters."""
        for form in reversed(self._forms or ()):
            if form.names() and form.isVisible():
                form.row(form.names()[0]).editor.setFocus(Qt.FocusReason.TabFocusReason)
                return

    # --- what is shown --------------------------------------------------------------------------

    def _show_model(self, graph: Graph) -> None:
        facts = self._workbench.facts.values()
        total = sum(fact.trainable_params + fact.fixed_params for fact in facts)
        text = self.tr("{0} layers · {1} parameters").format(len(graph.nodes), count_text(total))
        self._show_head(self.tr("Model"), text)
        self._help.setText(self.tr("Select a layer to see and change its parameters."))

    def _show_block(self, graph: Graph, group: str) -> None:
        value = graph.group_by_id[group]
        count = len(graph.members[group])
        self._show_head(value.name, self.tr("block of %n layers", "", count))
        self._block = self._block or self._make_block_panel()
        self._block.setVisible(True)
        self._block.show_block(value)
        self._help.setText("")

    def _show_nodes(self, graph: Graph) -> None:
        self._forms = self._forms or self._make_forms()
        node_form, form = self._forms
        layers = [graph.layer_of(node.id) for node in self._nodes]
        specs = [self._catalogue.layer(layer.class_name) for layer in layers]
        shown = common_params(spec for spec in specs if spec) if all(specs) else ()
        if self._shown != shown:
            self._shown = shown
            form.show_params(shown)
        form.set_values(*common_values([layer.params for layer in layers], shown))
        if self._call is not None:
            self._call.show_nodes(
                self._nodes, [spec for spec in specs if spec] if all(specs) else []
            )
        if self._adapt is not None:
            self._adapt.show_nodes(layers)
        frozen = [{} if layer.trainable else {"trainable": False} for layer in layers]
        values, mixed = common_values(frozen, (TRAINABLE,))
        node_form.set_values({"name": self._nodes[0].name, **values}, mixed)
        single = len(self._nodes) == 1
        node_form.row("name").setVisible(single)
        node_form.row("trainable").setVisible(
            any(layer.class_name != INPUT_CLASS for layer in layers)
            and not any(spec and spec.is_operation for spec in specs)
        )
        self._faults = {}  # fresh values show none
        self._help.setText("")
        if not single:
            classes = ", ".join(sorted({layer.class_name for layer in layers}))
            self._show_head(self.tr("%n layers selected", "", len(layers)), classes)

    def _show_one(self, node: Node, graph: Graph) -> None:
        spec = self._catalogue.layer(node.class_name)
        facts = self._workbench.facts.get(node.id)
        weights = (facts.trainable_params + facts.fixed_params) if facts else 0
        text = self.tr("{0} · {1} parameters").format(node.class_name, f"{weights:,}")
        self._show_head(
            node.name,
            text if weights else node.class_name,
            family=spec.family if spec else "",
            tip=spec.help if spec else "",
        )
        if node.shares:
            owner = graph.by_id[node.shares].name
            self._owner.setText(self.tr("Uses the layer of {0}").format(owner).replace("&", "&&"))

    def _show_head(self, title: str, subtitle: str, family: str = "", tip: str = "") -> None:
        self._bar.set_family(family)
        self._title.setText(title)
        self._title.setToolTip(tooltip(tip))
        self._subtitle.setText(subtitle)

    def _show_faults(self) -> None:
        ids = {node.id for node in self._nodes}
        faults = {
            problem.parameter: problem.text
            for problem in self._workbench.problems
            if problem.node in ids and problem.parameter and problem.severity != "info"
        }
        if faults != self._faults:  # else what is being typed would lose its own
            self._faults = faults
            for form in self._forms or ():
                form.set_faults(faults)

    # --- edits ----------------------------------------------------------------------------------

    @Slot(str, object)
    def _edit(self, name: str, value: object) -> None:
        if name == "name":
            self._rename(self._nodes[0], str(value))
        elif name == "trainable":
            self._freeze(frozen=not value)
        else:
            self._apply(
                self.tr("Set {0} of {1}").format(name, self._names()),
                partial(edits.set_params, ids=self._ids(), values={name: value}),
            )

    @Slot(str)
    def _reset(self, name: str) -> None:
        if name == "trainable":
            self._freeze(frozen=False)
        else:
            self._apply(
                self.tr("Reset {0} of {1}").format(name, self._names()),
                partial(edits.reset_params, ids=self._ids(), names=[name]),
            )

    def _rename(self, node: Node, name: str) -> None:
        assert self._forms is not None
        taken = {o.name for o in self._document.project.graph.nodes if o.id != node.id}
        row = self._forms[0].row("name")
        if not KERAS_NAME.match(name):
            row.set_fault(self.tr("Use letters, digits and _ . - without spaces."))
        elif name in taken:
            row.set_fault(self.tr("Another layer has this name."))
        else:
            text = self.tr("Rename {0}").format(node.name)
            self._apply(text, partial(edits.rename, node_id=node.id, name=name))

    def _freeze(self, *, frozen: bool) -> None:
        text = self.tr("Freeze {0}") if frozen else self.tr("Unfreeze {0}")
        ids = [node.id for node in self._nodes if node.class_name != INPUT_CLASS]
        self._apply(text.format(self._names()), partial(edits.freeze, ids=ids, frozen=frozen))

    @Slot(str, object)
    def _set_call(self, name: str, value: object) -> None:
        self._apply(
            self.tr("Set {0} of {1}").format(name, self._names()),
            partial(edits.set_call, ids=self._ids(), name=name, value=value),
        )

    def _apply(self, text: str, edit: Edit) -> None:
        self._document.apply(text, edit)

    def _ids(self) -> Collection[str]:
        return [node.id for node in self._nodes]

    def _names(self) -> str:
        if len(self._nodes) == 1:
            return self._nodes[0].name
        return self.tr("%n layers", "", len(self._nodes))

    # --- parts ----------------------------------------------------------------------------------

    def _make_forms(self) -> tuple[Form, Form]:
        """The form of the nodes themselves and that of their layers, made at the first selection."""
        # Imported here: superqt costs a fifth of a second that the first picture need not wait for.
        from kbuilder.ui.forms.form import Form
        from kbuilder.ui.panels.adapt_section import AdaptSection
        from kbuilder.ui.panels.call_section import CallSection

        forms = (Form(self._catalogue), Form(self._catalogue))
        forms[0].show_params((NAME, TRAINABLE))
        for number, form in enumerate(forms):
            form.edited.connect(self._edit)
            form.reset.connect(self._reset)
            self._column.insertWidget(self._forms_at + number, form)
            form.show()  # else only the next turn of the event loop would, and it could take no focus
        self._call = CallSection(self._catalogue)
        self._call.edited.connect(self._set_call)
        self._column.insertWidget(self._forms_at + len(forms), self._call)
        self._adapt = AdaptSection(self._document, self._workbench)
        self._column.insertWidget(self._forms_at + 1, self._adapt)
        return forms

    def _make_block_panel(self) -> BlockPanel:
        from kbuilder.ui.panels.block_panel import BlockPanel

        panel = BlockPanel(self._catalogue, CanvasGrouping(self._scene))
        panel.save_wanted.connect(self.keep_wanted)
        self._column.insertWidget(self._forms_at, panel)
        return panel

    def _make_owner_button(self) -> QPushButton:
        button = QPushButton()
        button.setToolTip(self.tr("Shows the layer whose weights are used here once more"))
        button.clicked.connect(lambda: self.node_wanted.emit(self._nodes[0].shares))
        self._column.addWidget(button)
        return button

    def _make_head(self) -> None:
        self._bar = FamilyBar()
        self._title = label(role="title")
        self._subtitle = label(role="muted")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._title)
        words.addWidget(self._subtitle)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._bar)
        head.addLayout(words, 1)
        self._column.addLayout(head)


class FamilyBar(QWidget):
    """The colour of a layer's family as an upright bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._family = ""
        self.setFixedSize(8, 30)

    def set_family(self, family: str) -> None:
        """Take another family's colour."""
        if family != self._family:
            self._family = family
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A rounded bar."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().family(self._family))
        painter.drawRoundedRect(self.rect(), 3, 3)
