"""What a sweep tries and looks for, as fields; each edit goes into the project and can be undone."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QSearchableComboBox

from kbuilder.document import edits
from kbuilder.document.catalogue import Catalogue, ParamSpec
from kbuilder.document.sweep import SweepParam
from kbuilder.document.sweep_params import current_value, shown_name, sweepable
from kbuilder.document.sweep_rules import DIRECTIONS, METHODS, sweep_problems
from kbuilder.document.sweep_text import first_guess, parse, text_of
from kbuilder.ui.document_bridge import DocumentBridge
from kbuilder.ui.forms.editors import prepare_combo
from kbuilder.ui.forms.form import Form
from kbuilder.ui.text import label, tooltip

SPECS = (
    ParamSpec(
        name="method",
        kinds=("choice",),
        default="bayesian",
        choices=METHODS,
        help="grid tries every combination, random draws, bayesian learns from the trials before.",
    ),
    ParamSpec(
        name="trials",
        kinds=("int",),
        default=20,
        minimum=1,
        help="How many trainings; a grid has as many as it has combinations.",
    ),
    ParamSpec(
        name="objective",
        kinds=("text",),
        default="val_loss",
        help="The value of the history that is to become best, as val_loss or val_accuracy.",
    ),
    ParamSpec(
        name="direction",
        kinds=("choice",),
        default="min",
        choices=DIRECTIONS,
        help="Whether the objective is to become small or large.",
    ),
    ParamSpec(
        name="prune",
        kinds=("bool",),
        default=True,
        help="Give a trial up early when it is worse than the median of those before it.",
    ),
    ParamSpec(
        name="seed",
        kinds=("int",),
        default=0,
        minimum=0,
        maximum=2**31 - 1,
        advanced=True,
        help="Fixes what is drawn, so that a sweep can be repeated.",
    ),
)


class SweepForm(QWidget):
    """``changed``: other problems, or none any more."""

    changed = Signal()

    def __init__(
        self, bridge: DocumentBridge, catalogue: Catalogue, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "side")
        self._document = bridge.document
        self._catalogue = catalogue
        self.problems: tuple[str, ...] = ()
        self.form = Form(catalogue)
        self.form.show_params(SPECS)
        self.form.edited.connect(self._set)
        self.form.reset.connect(self._reset)
        self.adder = QSearchableComboBox()
        self.adder.setAccessibleName(self.tr("Option to vary"))
        prepare_combo(self.adder)
        self.add_button = QPushButton(self.tr("Add"))
        self.add_button.clicked.connect(self._add)
        self.fields: dict[str, QLineEdit] = {}
        self._params = QVBoxLayout()
        self._params.setSpacing(6)
        self._faults = label(role="error")
        self._faults.setWordWrap(True)
        self._shown: tuple[SweepParam, ...] | None = None
        self._lay_out()
        bridge.changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show what the project says now."""
        options = self._document.project.sweep
        self.form.set_values(
            {
                spec.name: getattr(options, spec.name)
                for spec in SPECS
                if getattr(options, spec.name) != spec.default
            }
        )
        if options.params != self._shown:
            self._shown = options.params
            self._show_params()
        self._offer()
        self.problems = tuple(
            problem.text for problem in sweep_problems(self._document.project, self._catalogue)
        )
        nothing = not options.params
        self._faults.setText("" if nothing else "\n".join(self.problems))
        self._faults.setVisible(bool(self._faults.text()))
        self.changed.emit()

    # --- edits -----------------------------------------------------------------------------------

    @Slot(str, object)
    def _set(self, name: str, value: object) -> None:
        self._document.apply(
            self.tr("Set {0} of the sweep").format(name),
            lambda project: edits.set_sweep(project, **{name: value}),
        )

    @Slot(str)
    def _reset(self, name: str) -> None:
        self._set(name, next(spec.default for spec in SPECS if spec.name == name))

    @Slot()
    def _add(self) -> None:
        name = self.adder.currentData()
        spec = dict(sweepable(self._document.project, self._catalogue)).get(name)
        if spec is None:
            return
        value = current_value(self._document.project, self._catalogue, name)
        kept = self._document.project.sweep.params
        self._set_params(
            self.tr("Vary {0}").format(shown_name(self._document.project, name)),
            (*kept, first_guess(name, spec, value)),
        )
        if name in self.fields:
            self.fields[name].setFocus()

    def _remove(self, name: str) -> None:
        kept = tuple(each for each in self._document.project.sweep.params if each.name != name)
        shown = shown_name(self._document.project, name)
        self._set_params(self.tr("Vary {0} no longer").format(shown), kept)

    def _commit(self, name: str) -> None:
        field = self.fields[name]
        spec = dict(sweepable(self._document.project, self._catalogue)).get(name)
        try:
            param = parse(name, field.text(), spec)
        except ValueError as error:
            field.setProperty("error", True)
            field.style().polish(field)
            self._faults.setText(str(error))
            self._faults.show()
            return
        params = tuple(
            replace(param, extra=each.extra) if each.name == name else each
            for each in self._document.project.sweep.params
        )
        self._set_params(
            self.tr("Set what is tried of {0}").format(shown_name(self._document.project, name)),
            params,
        )

    def _set_params(self, text: str, params: tuple[SweepParam, ...]) -> None:
        self._document.apply(text, lambda project: edits.set_sweep(project, params=params))

    # --- what is shown ---------------------------------------------------------------------------

    def _offer(self) -> None:
        """All options that are not varied yet; only when there are others than before."""
        project = self._document.project
        varied = {param.name for param in project.sweep.params}
        offered = [
            (shown_name(project, name), name)
            for name, _ in sweepable(project, self._catalogue)
            if name not in varied
        ]
        if offered != getattr(self, "_offered", None):
            self._offered = offered
            self.adder.clear()
            for shown, name in offered:
                self.adder.addItem(shown, name)

    def _show_params(self) -> None:
        while (item := self._params.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.fields = {}
        params = self._document.project.sweep.params
        if not params:
            hint = label(
                self.tr(
                    "A sweep trains the project many times with other options and finds the best. "
                    "Add an option to vary: of the optimizer, of fit, or any parameter of a layer."
                ),
                "muted",
            )
            hint.setWordWrap(True)
            self._params.addWidget(hint)
        for param in params:
            self._params.addWidget(self._row(param))

    def _row(self, param: SweepParam) -> QWidget:
        shown = shown_name(self._document.project, param.name)
        field = QLineEdit(text_of(param))
        field.setAccessibleName(self.tr("Values of {0}").format(shown))
        field.setPlaceholderText("8, 16, 32   |   1e-4 .. 0.1 log")
        field.setToolTip(
            tooltip(
                self.tr(
                    "Values with commas between, or a range: 1e-4 .. 0.1 log. “log” spreads evenly over "
                    "the magnitudes, “in 5” takes five numbers of it for a grid."
                )
            )
        )
        field.editingFinished.connect(partial(self._finish, param.name))
        remove = QToolButton()
        remove.setText("✕")
        remove.setToolTip(tooltip(self.tr("Vary {0} no longer").format(shown)))
        remove.setAccessibleName(self.tr("Vary {0} no longer").format(shown))
        remove.clicked.connect(partial(self._remove, param.name))
        row = QWidget()
        grid = QGridLayout(row)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.addWidget(label(shown, "strong"), 0, 0)
        grid.addWidget(remove, 0, 1)
        grid.addWidget(field, 1, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        self.fields[param.name] = field
        return row

    def _finish(self, name: str) -> None:
        if name in self.fields and self.fields[name].isModified():
            self.fields[name].setModified(False)
            self._commit(name)

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(14, 10, 14, 10)
        column.addWidget(label(self.tr("SEARCH"), "heading"))
        column.addWidget(self.form)
        column.addSpacing(8)
        column.addWidget(label(self.tr("VARY"), "heading"))
        column.addLayout(self._params)
        line = QHBoxLayout()
        line.addWidget(self.adder, 1)
        line.addWidget(self.add_button)
        column.addLayout(line)
        column.addWidget(self._faults)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        inner.setProperty("role", "side")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)
