"""The form of the selected node, or a summary of the model when none is selected."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue, ParamSpec
from kbuilder.document.graph import INPUT_CLASS, Node
from kbuilder.document.naming import KERAS_NAME
from kbuilder.ui import theme
from kbuilder.ui.canvas.scene import CanvasScene
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.text import count_text, label, tooltip
from kbuilder.ui.workbench import Workbench

if TYPE_CHECKING:
    from kbuilder.ui.forms.form import Form

NODE_PARAMS = (
    ParamSpec(name="name", kinds=("text",), required=True, help="What Keras calls the layer."),
    ParamSpec(
        name="trainable",
        kinds=("bool",),
        default=True,
        help="Off: the layer is frozen, its weights stay as they are in training.",
    ),
)


class PropertiesPanel(QScrollArea):
    """Shows and edits what is selected on the canvas."""

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
        self._shown_class = ""
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
        self._forms: tuple[Form, Form] | None = None
        self._forms_at = self._column.count()
        self._make_shapes()
        self._help = label(role="muted")
        self._help.setWordWrap(True)
        self._column.addWidget(self._help)
        self._column.addStretch(1)
        scene.selection_changed.connect(self.refresh)
        bridge.changed.connect(self.refresh)
        workbench.facts_changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show the selection as it is now."""
        graph = self._document.project.graph
        ids = [node for node in self._scene.selected_ids() if node in graph.by_id]
        single = len(ids) == 1
        for form in self._forms or ():
            form.setVisible(single)
        self._shapes.setVisible(single)
        if single:
            self._show_node(graph.by_id[ids[0]])
        else:
            self._show_summary(len(ids))

    @Slot()
    def focus_form(self) -> None:
        """Put the keyboard into the first field of the layer's parameters."""
        for form in reversed(self._forms or ()):
            if form.names():
                form.row(form.names()[0]).editor.setFocus(Qt.FocusReason.TabFocusReason)
                return

    def _make_forms(self) -> tuple[Form, Form]:
        """The form of the node itself and that of its layer, made when a node is first selected."""
        # Imported here: superqt costs a fifth of a second that the first picture need not wait for.
        from kbuilder.ui.forms.form import Form

        forms = (Form(self._catalogue), Form(self._catalogue))
        forms[0].show_params(NODE_PARAMS)
        for number, form in enumerate(forms):
            form.edited.connect(self._edit)
            form.reset.connect(self._reset)
            self._column.insertWidget(self._forms_at + number, form)
        return forms

    def _show_node(self, node: Node) -> None:
        self._forms = self._forms or self._make_forms()
        node_form, form = self._forms
        spec = self._catalogue.layer(node.class_name)
        facts = self._workbench.facts.get(node.id)
        weights = (facts.trainable_params + facts.fixed_params) if facts else 0
        self._bar.set_family(spec.family if spec else "")
        self._title.setText(node.name)
        self._subtitle.setText(
            self.tr("{0} · {1} parameters").format(node.class_name, f"{weights:,}")
            if weights
            else node.class_name
        )
        frozen = {} if node.trainable else {"trainable": False}
        node_form.set_values({"name": node.name, **frozen})
        node_form.row("trainable").setVisible(node.class_name != INPUT_CLASS)
        if self._shown_class != node.class_name:
            self._shown_class = node.class_name
            shown = tuple(p for p in spec.params if p.name != "name") if spec else ()
            form.show_params(shown)
        form.set_values(node.params)
        self._show_faults(node)
        self._in.setText("\n".join(_shape(t.shape) for t in facts.inputs) if facts else "—")
        self._out.setText("\n".join(_shape(t.shape) for t in facts.outputs) if facts else "—")
        self._help.setText("")
        self._title.setToolTip(tooltip(spec.help if spec else ""))

    def _show_faults(self, node: Node) -> None:
        faults = {
            problem.parameter: problem.text
            for problem in self._workbench.problems
            if problem.node == node.id and problem.parameter
        }
        for form in self._forms or ():
            form.set_faults(faults)

    def _show_summary(self, selected: int) -> None:
        graph = self._document.project.graph
        facts = self._workbench.facts
        total = sum(fact.trainable_params + fact.fixed_params for fact in facts.values())
        self._bar.set_family("")
        if selected:
            self._title.setText(self.tr("%n layers selected", "", selected))
            self._subtitle.setText(self.tr("H freezes them, Delete removes them"))
        else:
            self._title.setText(self.tr("Model"))
            self._subtitle.setText(
                self.tr("{0} layers · {1} parameters").format(len(graph.nodes), count_text(total))
            )
        self._help.setText(
            self.tr("Select a layer to see and change its parameters.") if not selected else ""
        )

    @Slot(str, object)
    def _edit(self, name: str, value: object) -> None:
        node = self._node()
        if node is None:
            return
        if name == "name":
            self._rename(node, str(value))
        elif name == "trainable":
            self._freeze(node, frozen=not value)
        else:
            self._document.apply(
                self.tr("Set {0} of {1}").format(name, node.name),
                partial(edits.set_params, ids=[node.id], values={name: value}),
            )

    def _rename(self, node: Node, name: str) -> None:
        assert self._forms is not None
        taken = {other.name for other in self._document.project.graph.nodes if other is not node}
        row = self._forms[0].row("name")
        if not KERAS_NAME.match(name):
            row.set_fault(self.tr("Use letters, digits and _ . - without spaces."))
        elif name in taken:
            row.set_fault(self.tr("Another layer has this name."))
        else:
            self._document.apply(
                self.tr("Rename {0}").format(node.name),
                partial(edits.rename, node_id=node.id, name=name),
            )

    def _freeze(self, node: Node, *, frozen: bool) -> None:
        text = self.tr("Freeze {0}") if frozen else self.tr("Unfreeze {0}")
        self._document.apply(
            text.format(node.name), partial(edits.freeze, ids=[node.id], frozen=frozen)
        )

    @Slot(str)
    def _reset(self, name: str) -> None:
        node = self._node()
        if node is None:
            return
        if name == "trainable":
            self._freeze(node, frozen=False)
        else:
            self._document.apply(
                self.tr("Reset {0} of {1}").format(name, node.name),
                partial(edits.reset_params, ids=[node.id], names=[name]),
            )

    def _node(self) -> Node | None:
        ids = self._scene.selected_ids()
        return self._document.project.graph.by_id.get(ids[0]) if len(ids) == 1 else None

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

    def _make_shapes(self) -> None:
        self._shapes = QWidget()
        column = QVBoxLayout(self._shapes)
        column.setContentsMargins(0, 4, 0, 0)
        line = QFrame()
        line.setProperty("role", "line")
        column.addWidget(line)
        column.addWidget(label(self.tr("Shapes"), "strong"))
        self._in, self._out = label(role="mono"), label(role="mono")
        for name, shown in ((self.tr("In"), self._in), (self.tr("Out"), self._out)):
            row = QHBoxLayout()
            row.addWidget(label(name, "muted"), 0, Qt.AlignmentFlag.AlignTop)
            row.addStretch(1)
            row.addWidget(shown)
            column.addLayout(row)
        self._column.addWidget(self._shapes)


class FamilyBar(QWidget):
    """The colour of a layer's family as an upright bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._family = ""
        self.setFixedSize(8, 30)

    def set_family(self, family: str) -> None:
        """Take another family's colour."""
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


def _shape(shape: tuple[int | None, ...]) -> str:
    inner = ", ".join("?" if size is None else str(size) for size in shape[1:])
    return f"(batch, {inner})" if inner else "(batch,)"
