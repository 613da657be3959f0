"""The form of a selected block: name, colour, folded or open, Keras model, repetitions."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from kbuilder.document.catalogue import Catalogue, ParamSpec
from kbuilder.document.comment_edits import COLOURS
from kbuilder.document.graph import Group
from kbuilder.document.naming import KERAS_NAME
from kbuilder.ui.canvas.grouping import MOST_COPIES, CanvasGrouping
from kbuilder.ui.forms.form import Form
from kbuilder.ui.text import label

PLAIN = "plain"
BLOCK_PARAMS = (
    ParamSpec(name="name", kinds=("text",), required=True, help="What the block is called."),
    ParamSpec(
        name="colour",
        kinds=("choice",),
        default=PLAIN,
        choices=(PLAIN, *(colour for colour in COLOURS if colour)),
        help="The colour of the frame around the open block.",
    ),
    ParamSpec(
        name="folded", kinds=("bool",), default=False, help="Draw the block as one box with ports."
    ),
    ParamSpec(
        name="keras_model",
        kinds=("bool",),
        default=False,
        help="Build the block as a keras.Model of its own inside the model. Off: its layers are layers "
        "of the whole model, and the block is only in the drawing.",
    ),
)


class BlockPanel(QWidget):
    """Edits one block through ``grouping``."""

    save_wanted = Signal(str)
    """Id of a block that shall be kept in the library."""

    def __init__(
        self, catalogue: Catalogue, grouping: CanvasGrouping, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._grouping = grouping
        self._group = Group(id="", name="")
        self.form = Form(catalogue)
        self.form.show_params(BLOCK_PARAMS)
        self.form.edited.connect(self._edit)
        self.form.reset.connect(lambda name: self._edit(name, PLAIN if name == "colour" else False))
        self.copies = QSpinBox()
        self.copies.setRange(1, MOST_COPIES)
        self.copies.lineEdit().setTextMargins(5, 0, 0, 0)
        self.copies.setAccessibleName(self.tr("Number of copies"))
        repeat = QPushButton(self.tr("Repeat"))
        repeat.setToolTip(self.tr("Puts copies of the block behind it, each fed by the one before"))
        repeat.clicked.connect(lambda: grouping.repeat(self._group.id, self.copies.value()))
        keep = QPushButton(self.tr("Keep in my blocks"))
        keep.setToolTip(self.tr("Adds a copy of the block to the palette, for every project"))
        keep.clicked.connect(lambda: self.save_wanted.emit(self._group.id))
        times = QHBoxLayout()
        times.addWidget(label(self.tr("Copies")))
        times.addWidget(self.copies, 1)
        times.addWidget(repeat)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.form)
        column.addLayout(times)
        column.addWidget(keep)

    def show_block(self, group: Group) -> None:
        """Show the values of a block."""
        self._group = group
        shown = {"name": group.name, "colour": group.colour, "folded": group.collapsed}
        shown["keras_model"] = group.nested
        self.form.set_values({name: value for name, value in shown.items() if value})

    @Slot(str, object)
    def _edit(self, name: str, value: object) -> None:
        if name == "name":
            self._rename(str(value))
        elif name == "colour":
            self._grouping.set_block(self._group.id, name, "" if value == PLAIN else value)
        elif name == "keras_model":
            self._grouping.set_block(self._group.id, "nested", bool(value))
        elif bool(value) != self._group.collapsed:
            self._grouping.fold([self._group.id])

    def _rename(self, name: str) -> None:
        if KERAS_NAME.match(name):
            self._grouping.set_block(self._group.id, "name", name)
        else:
            self.form.row("name").set_fault(
                self.tr("Use letters, digits and _ . - without spaces.")
            )
