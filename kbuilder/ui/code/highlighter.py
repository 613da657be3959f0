"""Colours of Python code, found by Pygments and painted by Qt."""

from __future__ import annotations

from functools import cache

from pygments.lexers.python import PythonLexer
from pygments.token import Token
from PySide6.QtCore import Slot
from PySide6.QtGui import QColor, QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from kbuilder.ui import theme

_DARK = {
    "keyword": "#c792ea",
    "string": "#9ccc8a",
    "number": "#f08a4b",
    "comment": "#8b93a3",
    "name": "#4f9cf9",
    "builtin": "#2fb6b0",
}
_LIGHT = {
    "keyword": "#8250df",
    "string": "#1a7f37",
    "number": "#b35900",
    "comment": "#667085",
    "name": "#0b57c2",
    "builtin": "#0f766e",
}
_KINDS = (
    (Token.Comment, "comment"),
    (Token.Literal.String, "string"),
    (Token.Literal.Number, "number"),
    (Token.Keyword, "keyword"),
    (Token.Operator.Word, "keyword"),
    (Token.Name.Class, "name"),
    (Token.Name.Function, "name"),
    (Token.Name.Decorator, "name"),
    (Token.Name.Builtin, "builtin"),
)

Span = tuple[int, int, str]
"""Start and length in the whole text, and the kind of colour."""


class PythonHighlighter(QSyntaxHighlighter):
    """Colours the code of a document; the whole text is read anew once for each change."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._lexer = PythonLexer(stripnl=False, ensurenl=False)
        self._text = ""
        self._spans: dict[int, list[Span]] = {}
        theme.notifier.changed.connect(self._repaint)

    def highlightBlock(self, text: str) -> None:
        """Colour one line. Its state is what reaches into the next one, such as an open string."""
        self._read()
        block = self.currentBlock()
        spans = self._spans.get(block.blockNumber(), [])
        for start, length, kind in spans:
            self.setFormat(start, length, _format(kind, theme.current().dark))
        open_string = bool(spans) and spans[-1][2] == "string" and sum(spans[-1][:2]) > len(text)
        self.setCurrentBlockState(int(open_string))

    def _read(self) -> None:
        text = self.document().toPlainText()
        if text == self._text:
            return
        self._text, self._spans = text, {}
        line = column = 0
        for kind, part in self._lexer.get_tokens(text):
            colour = next((name for token, name in _KINDS if kind in token), "")
            for number, piece in enumerate(part.split("\n")):
                if number:
                    line, column = line + 1, 0
                if colour and (piece or number == 0):
                    reach = len(piece) + ("\n" in part and number < part.count("\n"))
                    self._spans.setdefault(line, []).append((column, reach, colour))
                column += len(piece)

    @Slot()
    def _repaint(self) -> None:
        self.rehighlight()


@cache
def _format(kind: str, dark: bool) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(QColor((_DARK if dark else _LIGHT)[kind]))
    made.setFontItalic(kind == "comment")
    if kind == "keyword":
        made.setFontWeight(QFont.Weight.DemiBold)
    return made
