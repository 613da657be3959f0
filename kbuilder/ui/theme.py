"""Colours of the window as a few tokens, and the Qt palette and style sheet made from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from string import Template

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from kbuilder.resources import resource

FAMILY_COLOURS = {
    "Input & output": "#8b95a7",
    "Core": "#4f9cf9",
    "Convolution": "#a07cf5",
    "Pooling": "#2fb6b0",
    "Normalization": "#58b368",
    "Regularization": "#7f9f7a",
    "Recurrent": "#f08a4b",
    "Attention": "#e86aa6",
    "Merging": "#d9b44a",
    "Reshaping": "#6fa8c9",
    "Activation": "#e0705f",
    "Preprocessing": "#b08968",
    "Image augmentation": "#9a86c2",
    "Wrappers": "#c98f5a",
    "Operations": "#5c9db0",
    "Own code": "#c2d04f",
}
SERIES_COLOURS = ("#4f9cf9", "#f08a4b", "#58b368", "#e86aa6", "#a07cf5", "#d9b44a", "#2fb6b0")


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by what they are for."""

    name: str
    dark: bool
    window: QColor
    panel: QColor
    raised: QColor
    chosen: QColor
    border: QColor
    text: QColor
    muted: QColor
    accent: QColor
    on_accent: QColor
    error: QColor
    warning: QColor
    ok: QColor
    grid: QColor
    wire: QColor

    def family(self, name: str) -> QColor:
        """Colour of a layer family; grey for one without a colour of its own."""
        return QColor(FAMILY_COLOURS.get(name, "#8b95a7"))

    def series(self, number: int) -> QColor:
        """Colour of the n-th curve."""
        return QColor(SERIES_COLOURS[number % len(SERIES_COLOURS)])


def _theme(name: str, dark: bool, **colours: str) -> Theme:
    return Theme(name, dark, **{token: QColor(colour) for token, colour in colours.items()})


DARK = _theme(
    "dark",
    True,
    window="#16181d",
    panel="#1e2128",
    raised="#252932",
    chosen="#16181d",
    border="#343945",
    text="#e6e9ef",
    muted="#8b93a3",
    accent="#4f9cf9",
    on_accent="#ffffff",
    error="#f25c6b",
    warning="#e5a53d",
    ok="#3cb878",
    grid="#2b303a",
    wire="#737b8a",
)
LIGHT = _theme(
    "light",
    False,
    window="#f4f5f7",
    panel="#ffffff",
    raised="#eef0f3",
    chosen="#ffffff",
    border="#d3d7de",
    text="#1b1f27",
    muted="#667085",
    accent="#1f6fe0",
    on_accent="#ffffff",
    error="#d92d3f",
    warning="#b7791f",
    ok="#1f9254",
    grid="#d5d9e0",
    wire="#8a92a3",
)
THEMES = {"dark": DARK, "light": LIGHT}


class ThemeNotifier(QObject):
    """Emits ``changed`` after another theme was applied."""

    changed = Signal()


notifier = ThemeNotifier()
_current = DARK


def current() -> Theme:
    """The theme in use."""
    return _current


@contextmanager
def painted_in(theme: Theme) -> Iterator[None]:
    """What is painted inside has these colours; the window keeps its own."""
    global _current
    kept, _current = _current, theme
    try:
        yield
    finally:
        _current = kept


def apply_theme(application: QApplication, choice: str) -> None:
    """Dress the whole application. ``choice`` is ``dark``, ``light`` or ``system``."""
    global _current
    _current = THEMES.get(choice) or _system_theme()
    application.setStyle("Fusion")
    application.setFont(_font(application))
    application.setPalette(_palette(_current))
    application.setStyleSheet(_style_sheet(_current))
    notifier.changed.emit()


def _system_theme() -> Theme:
    scheme = QGuiApplication.styleHints().colorScheme()
    return DARK if scheme == Qt.ColorScheme.Dark else LIGHT


def _font(application: QApplication) -> QFont:
    font = application.font()
    if "Inter" in QFontDatabase.families():
        font.setFamily("Inter")
    return font


def _palette(theme: Theme) -> QPalette:
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette()
    for name, colour in {
        role.Window: theme.panel,
        role.WindowText: theme.text,
        role.Base: theme.raised,
        role.AlternateBase: theme.panel,
        role.Text: theme.text,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.PlaceholderText: theme.muted,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.Link: theme.accent,
        role.Mid: theme.border,
        role.Dark: theme.border,
    }.items():
        palette.setColor(name, colour)
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, name, theme.muted)
    return palette


def _style_sheet(theme: Theme) -> str:
    template = Template(resource("themes", "window.qss").read_text("utf-8"))
    tokens = {
        name: getattr(theme, name).name()
        for name in Theme.__slots__
        if isinstance(getattr(theme, name), QColor)
    }
    glyphs = resource("themes", theme.name).as_posix()
    return template.substitute(tokens, glyphs=glyphs)
