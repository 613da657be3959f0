"""The composition root of the window: settings, document, engines, main window, crash reports."""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

os.environ.setdefault("QT_API", "pyside6")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import (
    QCoreApplication,
    QMessageLogContext,
    QSettings,
    QStandardPaths,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.document import Document
from kbuilder.document.errors import KBuilderError
from kbuilder.document.facts import NodeFacts
from kbuilder.document.project import Project
from kbuilder.document.project_file import load
from kbuilder.resources import resource
from kbuilder.ui import dialogs, theme
from kbuilder.ui.canvas.drawing import draw
from kbuilder.ui.demo import Demo
from kbuilder.ui.engine_thread import EngineThread
from kbuilder.ui.main_window import MainWindow
from kbuilder.ui.run_follower import running_in

Reporter = Callable[[type[BaseException], BaseException, TracebackType | None], None]
DEMO_SIZE = (1280, 800)
ENGINE_COMMAND = (sys.executable, "-m", "kbuilder.engine")


def make_application() -> QApplication:
    """The one QApplication, named so that settings and state have their places.

    Raises:
        KBuilderError: this PySide6 would abort on this Python.
    """
    if sys.version_info < (3, 12) and pyside_version.startswith("6.12."):
        raise KBuilderError(
            f"PySide6 {pyside_version} aborts on Python {sys.version_info.major}."
            f"{sys.version_info.minor} after some seconds. Run “make setup” to get the right one."
        )
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    QCoreApplication.setOrganizationName("kbuilder")
    QCoreApplication.setApplicationName("kbuilder")
    application.setDesktopFileName("kbuilder")
    application.setWindowIcon(QIcon(str(resource("icons", "kbuilder.svg"))))
    return application


def make_window(document: Document | None = None) -> MainWindow:
    """A window whose engines start when its first picture is on the screen."""
    settings = QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "kbuilder", "kbuilder"
    )
    application = make_application()
    theme.apply_theme(application, str(settings.value("theme", "system")))
    engines = (EngineThread(ENGINE_COMMAND), EngineThread(ENGINE_COMMAND))
    window = MainWindow(
        document or Document(),
        load_catalogue(),
        engines,
        settings,
        _state_folder() / "runs" / f"unsaved-{os.getpid()}",
    )
    window.painted.connect(window.workbench.start)
    return window


def _state_folder() -> Path:
    place = QStandardPaths.StandardLocation.AppLocalDataLocation
    return Path(QStandardPaths.writableLocation(place))


def spare_collector(window: MainWindow) -> None:
    """Let Python's garbage collector pass over all that is there at the first picture.

    A search through all of it takes 80 ms, and would fall into an edit.
    """
    window.painted.connect(lambda: gc.freeze())


def run_window(path: Path | None = None, sample: str = "") -> int:
    """Open the window on a project, a sample, or the start page; returns the exit code."""
    faulthandler.enable()
    application = make_application()
    window = make_window()
    spare_collector(window)
    sys.excepthook = _reporter(window)
    if sample:
        window.files.open_sample(sample)
    elif path is not None:
        window.files.open_path(path)
    elif not _follow_left_training(window):
        window.show_start()
    window.show()
    return application.exec()


def _follow_left_training(window: MainWindow) -> bool:
    """Open the project of a training that has lost its window, if there is one, and follow it."""
    for path in window.files.recent():
        if running_in(path.with_suffix(".runs")) is not None:
            window.files.open_path(path)  # follows what it finds there
            return True
    for folder in sorted((_state_folder() / "runs").glob("unsaved-*")):
        run = running_in(folder)
        if run is not None:
            window.document.open(load(run / "project.kbuilder"), None)
            window.training.follow(run)
            return True
    return False


def _reporter(window: MainWindow) -> Reporter:
    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Show an unexpected error once, and go on."""
        text = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(text)
        if issubclass(kind, KeyboardInterrupt):
            window.close()
            return
        title = QCoreApplication.translate("app", "Something unexpected happened")
        said = QCoreApplication.translate(
            "app", "Your project is still here; save it. Please report the details below."
        )
        dialogs.show_error(window, title, said, text)

    return report


def run_demo(sample: str, out: Path) -> int:
    """Train a sample in a window nobody needs to see; model, history and picture go to ``out``.

    Raises:
        KBuilderError: the folder cannot be made, or the work failed.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KBuilderError(f"The folder “{out}” cannot be made: {error.strerror}.") from error
    qInstallMessageHandler(_pass_message)
    application = make_application()
    window = make_window(Document(load(resource("samples", f"{sample}.kbuilder"))))
    window.resize(*DEMO_SIZE)
    demo = Demo(window, out.absolute())
    faults: list[str] = []
    demo.told.connect(lambda text: sys.stderr.write(text + "\n"))
    demo.ended.connect(faults.append)
    demo.ended.connect(window.close)
    window.show()
    application.exec()
    if not faults:
        raise KBuilderError("The window was closed before the work was done.")
    if faults[0]:
        raise KBuilderError(faults[0])
    sys.stderr.write(f"model.hdf5, history.csv and window.png lie in {out.absolute()}\n")
    return 0


def draw_picture(project: Project, facts: Mapping[str, NodeFacts], path: Path) -> None:
    """Draw the graph of a project to a file; nothing is shown on the screen.

    Raises:
        KBuilderError: it cannot be drawn or written.
    """
    qInstallMessageHandler(_pass_message)
    theme.apply_theme(make_application(), "light")
    draw(project, load_catalogue(), facts, path)


def _pass_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    """Qt's messages to stderr, but for one that every window draws from the offscreen platform."""
    del kind, context
    if "propagateSizeHints" not in message:
        sys.stderr.write(message + "\n")
