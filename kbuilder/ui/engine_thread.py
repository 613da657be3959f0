"""One engine process behind a thread: requests go in, events come out as a Qt signal.

The window never waits for the engine. A dead engine is told once, and started again by the next
request.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from typing import IO, BinaryIO

from PySide6.QtCore import QObject, QThread, Signal

from kbuilder.link import wire
from kbuilder.link.messages import Control, Request
from kbuilder.link.requests import Quit

LAST_WORDS_BYTES = 2000
QUIT_MS = 3000


class EngineThread(QThread):
    """Owns an engine process. ``command`` starts it.

    Signals:
        received: an ``Event`` from the engine, delivered in the window's thread.
        died: the process ended without being asked to; a sentence and its last output.
    """

    received = Signal(object)
    died = Signal(str, str)

    def __init__(self, command: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = list(command)
        self._outbox: queue.SimpleQueue[Request | Control | None] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        self._quitting = self._let_go = False
        self._last_request = 0

    def next_request(self) -> int:
        """A number for the next request."""
        self._last_request += 1
        return self._last_request

    def send(self, message: Request | Control) -> None:
        """Hand a message to the engine, which is started if it does not run and was not closed."""
        self.warm_up()
        if not self._quitting:
            self._outbox.put(message)

    def warm_up(self) -> None:
        """Start the process ahead of the first message."""
        if not self._quitting and not self.isRunning():
            self.start()

    def close(self) -> None:
        """Ask the engine to end, and make it end if it does not."""
        self._quitting = True
        if self.isRunning():
            self._outbox.put(Quit(request=self.next_request()))
            self._outbox.put(None)
            if not self.wait(QUIT_MS):
                self.kill()
                self.wait()

    def let_go(self) -> None:
        """Hang up: a training goes on without this window, and anything else ends."""
        self._quitting = self._let_go = True
        if self.isRunning():
            self._outbox.put(None)
            self.wait()

    def kill(self) -> None:
        """End the process at once."""
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()

    def run(self) -> None:
        """The thread's work: start the process, pass on what it says, tell how it ended."""
        with tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    start_new_session=True,
                )
            except OSError as error:
                self.died.emit(self.tr("The engine could not be started."), str(error))
                return
            self._process = process
            assert process.stdin is not None
            assert process.stdout is not None
            writer = threading.Thread(target=self._write, args=(process.stdin,), daemon=True)
            writer.start()
            self._read(process.stdout)
            process.stdout.close()
            if self._let_go:
                # It may train for days; whoever is there when it ends takes note of it.
                process.returncode = 0
            code = process.wait()
            self._outbox.put(None)
            writer.join()
            self._process = None
            if not self._quitting:
                self.died.emit(self._cause(code), _last_words(errors))

    def _write(self, stream: IO[bytes]) -> None:
        while (message := self._outbox.get()) is not None:
            # A broken pipe is the death of the engine; the reader tells it.
            with contextlib.suppress(OSError):
                wire.write(stream, message)  # type: ignore[arg-type]
        with contextlib.suppress(OSError):
            stream.close()

    def _read(self, stream: BinaryIO | IO[bytes]) -> None:
        try:
            while (event := wire.read_event(stream)) is not None:  # type: ignore[arg-type]
                self.received.emit(event)
        except wire.WireError:
            self.kill()

    def _cause(self, code: int) -> str:
        if code == -signal.SIGKILL:
            return self.tr(
                "The engine was killed, probably because memory ran out. Your project is safe."
            )
        if code < 0:
            name = signal.Signals(-code).name
            return self.tr("The engine crashed ({0}). Your project is safe.").format(name)
        return self.tr("The engine ended with code {0}. Your project is safe.").format(code)


def _last_words(errors: IO[bytes]) -> str:
    size = errors.seek(0, 2)
    errors.seek(max(0, size - LAST_WORDS_BYTES))
    return errors.read().decode("utf-8", "replace").strip()
