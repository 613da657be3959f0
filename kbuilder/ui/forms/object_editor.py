"""A Keras object as a value: its class in a combo box, its own parameters unfolded below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget
from superqt import QSearchableComboBox

from kbuilder.document.catalogue import Catalogue, ClassSpec, ParamSpec
from kbuilder.document.fit_rules import augments, offered_callback
from kbuilder.document.graph import INPUT_CLASS
from kbuilder.document.option_specs import AUGMENTATION
from kbuilder.document.ports import main_ports
from kbuilder.ui.forms.editors import NONE_TEXT, FloatEditor, prepare_combo, show_start

if TYPE_CHECKING:
    from kbuilder.ui.forms.form import Form

NUMBER_TEXT = "constant"
CELLS = "Recurrent cells"


class ObjectEditor(QWidget):
    """Chooses a class of one section, or a number where the parameter also takes one.

    The value is ``{"class_name", "params"}``, a number, or None. ``details`` is the widget with the
    parameters of the chosen class; whoever owns the editor places it below.
    """

    changed = Signal(object)
    rejected = Signal(str)

    def __init__(
        self, param: ParamSpec, catalogue: Catalogue, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._param = param
        self._catalogue = catalogue
        self._value: Any = param.default
        self._inner: QWidget | None = None
        self._classes = QSearchableComboBox(self)
        self._fill()
        prepare_combo(self._classes)
        row = QVBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._classes)
        self.details = QWidget(parent)
        self._column = QVBoxLayout(self.details)
        self._column.setContentsMargins(0, 2, 0, 2)
        self._classes.activated.connect(self._choose)
        self.setFocusProxy(self._classes)
        self.set_value(param.default)

    def value(self) -> Any:
        """The object as a dictionary, a number, or None."""
        return self._value

    def set_value(self, value: Any) -> None:
        """Show a value without telling."""
        same_class = _class_of(value) == _class_of(self._value) and self._inner is not None
        self._value = value
        with QSignalBlocker(self._classes):
            name = _class_of(value)
            index = self._classes.findText(name)
            if index < 0:
                self._classes.addItem(name)
                index = self._classes.count() - 1
            self._classes.setCurrentIndex(index)
        show_start(self._classes)
        if same_class:
            self._show_params()
        else:
            self._unfold()

    def set_mixed(self) -> None:
        """Show that there are several values, and the parameters of none."""
        self._value = {"class_name": "", "params": {}}
        with QSignalBlocker(self._classes):
            self._classes.setCurrentIndex(-1)
        self._unfold()

    def _fill(self) -> None:
        if self._param.optional or (self._param.default is None and not self._param.required):
            self._classes.addItem(NONE_TEXT)
        if {"float", "int"} & set(self._param.kinds):
            self._classes.addItem(NUMBER_TEXT)
        section = self._catalogue.listed(self._param.of) if self._param.of else ()
        self._classes.addItems([spec.class_name for spec in section if fits_in(spec, self._param)])

    def _choose(self, _: int) -> None:
        show_start(self._classes)
        name = self._classes.currentText()
        if name == _class_of(self._value):
            return
        if name == NONE_TEXT:
            self._value = None
        elif name == NUMBER_TEXT:
            default = self._param.default
            self._value = default if isinstance(default, int | float) else 0.001
        else:
            spec = self._catalogue.find(self._param.of, name) if self._param.of else None
            self._value = {"class_name": name, "params": dict(spec.preset) if spec else {}}
        self._unfold()
        self.changed.emit(self._value)

    def _unfold(self) -> None:
        from kbuilder.ui.forms.form import Form  # the two hold each other

        if self._inner is not None:
            self._inner.setParent(None)
            self._inner.deleteLater()
            self._inner = None
        if isinstance(self._value, int | float):
            self._inner = self._number_editor()
        elif isinstance(self._value, dict) and self._param.of:
            spec = self._catalogue.find(self._param.of, self._value["class_name"])
            if spec is not None and spec.params:
                form = Form(self._catalogue, self.details, nested=True)
                form.show_params(spec.params)
                form.edited.connect(self._set_param)
                form.reset.connect(self._reset_param)
                self._inner = form
        if self._inner is not None:
            self._column.addWidget(self._inner)
            self._show_params()
        self.details.setVisible(self._inner is not None)

    def _number_editor(self) -> FloatEditor:
        number = FloatEditor(ParamSpec(name=self._param.name, kinds=("float",)), self.details)
        number.setAccessibleName(self._param.name)
        number.changed.connect(self._set_number)
        number.rejected.connect(self.rejected.emit)
        return number

    def _show_params(self) -> None:
        if isinstance(self._inner, FloatEditor):
            self._inner.set_value(self._value)
        elif self._inner is not None:
            form: Form = self._inner  # type: ignore[assignment]
            form.set_values(self._value.get("params", {}))

    def _set_number(self, number: float | None) -> None:
        if number is not None:
            self._value = number
            self.changed.emit(number)

    def _set_param(self, name: str, value: object) -> None:
        self._change_params({**self._value.get("params", {}), name: value})

    def _reset_param(self, name: str) -> None:
        params = self._value.get("params", {})
        self._change_params({key: item for key, item in params.items() if key != name})

    def _change_params(self, params: dict[str, Any]) -> None:
        self._value = {"class_name": self._value["class_name"], "params": params}
        self._show_params()
        self.changed.emit(self._value)


def fits_in(spec: ClassSpec, param: ParamSpec) -> bool:
    """Whether a class is offered for a parameter: cells in RNN, layers of one input in wrappers."""
    if param.of == "callbacks":
        return offered_callback(spec)
    if param.of != "layers":
        return not spec.hidden
    if param.name == AUGMENTATION.name:
        return augments(spec)
    if param.name == "cell":
        return spec.family == CELLS
    if param.name == "backward_layer":
        return spec.family == "Recurrent" and spec.param("go_backwards") is not None
    one_input = main_ports(spec) == 1 and not spec.many_inputs
    return one_input and not (spec.hidden or spec.is_operation or spec.class_name == INPUT_CLASS)


def _class_of(value: Any) -> str:
    if value is None:
        return NONE_TEXT
    return str(value["class_name"]) if isinstance(value, dict) else NUMBER_TEXT
