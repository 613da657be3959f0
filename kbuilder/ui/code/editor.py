"""A text field for Python: line numbers, colours, indents, completion, and marks on lines with errors."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, QStringListModel, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontDatabase,
    QHelpEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QCompleter, QPlainTextEdit, QTextEdit, QToolTip, QWidget

from kbuilder.document.catalogue import Catalogue
from kbuilder.ui import theme
from kbuilder.ui.code.completion import completions
from kbuilder.ui.code.highlighter import PythonHighlighter
from kbuilder.ui.text import tooltip

INDENT = "    "
LEAST_TYPED = 2
_CONFIRM = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab)


class CodeEditor(QPlainTextEdit):
    """Signals: left, when the keyboard goes elsewhere."""

    left = Signal()

    def __init__(self, catalogue: Catalogue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._faults: dict[int, str] = {}
        self.setProperty("role", "code")
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setAccessibleName(self.tr("Own code"))
        self._highlighter = PythonHighlighter(self.document())
        self._gutter = Gutter(self)
        self._completer = QCompleter(self)
        self._completer.setWidget(self)
        self._completer.setModel(QStringListModel(self._completer))
        self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._completer.activated.connect(self._complete)
        self.blockCountChanged.connect(self._make_room)
        self.updateRequest.connect(self._scroll_gutter)
        self.cursorPositionChanged.connect(self._mark_lines)
        theme.notifier.changed.connect(self._mark_lines)
        self._make_room()
        self._mark_lines()

    def show_faults(self, faults: dict[int, str]) -> None:
        """Mark lines, counted from 1, with what is wrong there."""
        self._faults = faults
        self._mark_lines()
        self._gutter.update()

    def faults(self) -> dict[int, str]:
        """The lines that are marked."""
        return dict(self._faults)

    def go_to(self, line: int) -> None:
        """Put the cursor at the start of a line, counted from 1, and bring it into view."""
        block = self.document().findBlockByNumber(line - 1)
        self.setTextCursor(QTextCursor(block))
        self.centerCursor()

    def replace_text(self, text: str) -> None:
        """Hold another text, keeping the cursor where it is as far as there is such a place."""
        place = self.textCursor().position()
        self.setPlainText(text)
        cursor = self.textCursor()
        cursor.setPosition(min(place, len(text)))
        self.setTextCursor(cursor)

    # --- keys -----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Indent, complete, or type."""
        popup = self._completer.popup()
        assert popup is not None
        if popup.isVisible() and event.key() in (*_CONFIRM, Qt.Key.Key_Escape):
            event.ignore()  # the list takes it
            return
        if event.key() == Qt.Key.Key_Space and event.modifiers() & _CONTROL:
            self._offer(asked=True)
        elif event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            self._indent(out=event.key() == Qt.Key.Key_Backtab)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._new_line()
        else:
            super().keyPressEvent(event)
            if event.text():
                self._offer(asked=False)

    def event(self, event: QEvent) -> bool:
        """Say at a marked line what is wrong there."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            self._show_fault(event)
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell that the text may be taken over; the list of completions is no elsewhere."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.left.emit()

    def _indent(self, *, out: bool) -> None:
        """Shift the chosen lines by four, or put spaces at the cursor."""
        cursor = self.textCursor()
        if not cursor.hasSelection() and not out:
            cursor.insertText(INDENT)
            return
        first = self.document().findBlock(cursor.selectionStart()).blockNumber()
        last = self.document().findBlock(cursor.selectionEnd()).blockNumber()
        cursor.beginEditBlock()
        for number in range(first, last + 1):
            block = self.document().findBlockByNumber(number)
            at = QTextCursor(block)
            if not out:
                at.insertText(INDENT)
                continue
            spaces = len(block.text()) - len(block.text().lstrip(" "))
            for _ in range(min(spaces, len(INDENT))):
                at.deleteChar()
        cursor.endEditBlock()

    def _new_line(self) -> None:
        """As far in as the line before, and further behind a colon."""
        cursor = self.textCursor()
        before = cursor.block().text()[: cursor.positionInBlock()]
        indent = before[: len(before) - len(before.lstrip(" "))]
        deeper = INDENT if before.rstrip().endswith(":") else ""
        cursor.insertText(f"\n{indent}{deeper}")
        self.ensureCursorVisible()

    # --- completion -----------------------------------------------------------------------------

    def _offer(self, *, asked: bool) -> None:
        cursor = self.textCursor()
        before = cursor.block().text()[: cursor.positionInBlock()]
        start, words = completions(self._catalogue, before, self.toPlainText())
        enough = asked or len(start) >= LEAST_TYPED or before.endswith(".")
        popup = self._completer.popup()
        assert popup is not None
        if not words or not enough:
            popup.hide()
            return
        model = self._completer.model()
        assert isinstance(model, QStringListModel)
        model.setStringList(words)
        self._completer.setCompletionPrefix(start)
        popup.setCurrentIndex(self._completer.completionModel().index(0, 0))
        rect = self.cursorRect().translated(self._gutter.width(), 0)
        rect.setWidth(
            popup.sizeHintForColumn(0) + popup.verticalScrollBar().sizeHint().width() + 12
        )
        self._completer.complete(rect)

    @Slot(str)
    def _complete(self, word: str) -> None:
        cursor = self.textCursor()
        cursor.movePosition(
            QTextCursor.MoveOperation.Left,
            QTextCursor.MoveMode.KeepAnchor,
            len(self._completer.completionPrefix()),
        )
        cursor.insertText(word)

    # --- gutter and marks -----------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the gutter as high as the text."""
        super().resizeEvent(event)
        inside = self.contentsRect()
        self._gutter.setGeometry(
            QRect(inside.left(), inside.top(), self.gutter_width(), inside.height())
        )

    def gutter_width(self) -> int:
        """Room for the largest line number and a sign."""
        digits = max(len(str(self.blockCount())), 2)
        return 22 + self.fontMetrics().horizontalAdvance("9") * digits

    def paint_gutter(self, event: QPaintEvent) -> None:
        """Line numbers, and a disc at lines with errors."""
        colours = theme.current()
        painter = QPainter(self._gutter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(event.rect(), colours.panel)
        painter.setFont(self.font())
        block = self.firstVisibleBlock()
        top = round(self.blockBoundingGeometry(block).translated(self.contentOffset()).top())
        while block.isValid() and top <= event.rect().bottom():
            height = round(self.blockBoundingRect(block).height())
            number = block.blockNumber() + 1
            if number in self._faults:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colours.error)
                painter.drawEllipse(4, top + height // 2 - 4, 8, 8)
            painter.setPen(colours.error if number in self._faults else colours.muted)
            place = QRect(0, top, self._gutter.width() - 8, height)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight, str(number))
            block, top = block.next(), top + height

    @Slot()
    def _make_room(self) -> None:
        self.setViewportMargins(self.gutter_width(), 0, 0, 0)

    @Slot(QRect, int)
    def _scroll_gutter(self, rect: QRect, step: int) -> None:
        if step:
            self._gutter.scroll(0, step)
        else:
            self._gutter.update(0, rect.y(), self._gutter.width(), rect.height())

    @Slot()
    def _mark_lines(self) -> None:
        colours = theme.current()
        faulty = QColor(colours.error)
        faulty.setAlpha(48)
        marks = [self._line_mark(self.textCursor(), colours.raised)]
        for line in self._faults:
            block = self.document().findBlockByNumber(line - 1)
            if block.isValid():
                marks.append(self._line_mark(QTextCursor(block), faulty))
        self.setExtraSelections(marks)

    def _line_mark(self, cursor: QTextCursor, colour: QColor) -> QTextEdit.ExtraSelection:
        mark = QTextEdit.ExtraSelection()
        mark.format.setBackground(colour)
        mark.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
        mark.cursor = cursor
        mark.cursor.clearSelection()
        return mark

    def _show_fault(self, event: QHelpEvent) -> None:
        at = event.pos() - QPoint(self.viewportMargins().left(), 0)
        line = self.cursorForPosition(at).blockNumber() + 1
        QToolTip.showText(event.globalPos(), tooltip(self._faults.get(line, "")), self)


class Gutter(QWidget):
    """The stripe of line numbers, painted by the editor that it belongs to."""

    def __init__(self, editor: CodeEditor) -> None:
        super().__init__(editor)
        self._editor = editor

    def sizeHint(self) -> QSize:
        """As wide as the numbers."""
        return QSize(self._editor.gutter_width(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Let the editor paint, which knows the lines."""
        self._editor.paint_gutter(event)


_CONTROL = Qt.KeyboardModifier.ControlModifier
