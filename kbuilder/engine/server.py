"""Requests from a stream, one at a time, and events to another; controls pass them by."""

from __future__ import annotations

import gc
import queue
import threading
from typing import BinaryIO

import keras
import psutil
import tensorflow as tf

from kbuilder.engine.devices import device_name, findings, prepare_devices
from kbuilder.engine.session import Session
from kbuilder.link import wire
from kbuilder.link.events import Ready
from kbuilder.link.messages import Event, Request
from kbuilder.link.requests import Quit, Stop


class Server:
    """Serves one asker. Keras is touched by the calling thread only; another one reads."""

    def __init__(self, requests: BinaryIO, events: BinaryIO) -> None:
        self._requests = requests
        self._events = events
        self._waiting: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._session = Session(self._send)
        self._lock = threading.Lock()
        self._unfinished = 0
        self._ended = threading.Event()  # no more requests can come
        self._closed = threading.Event()  # no more events can be sent

    def serve(self) -> None:
        """Send Ready, then handle requests until the stream closes or a Quit was handled."""
        # What TensorFlow and Keras have loaded stays; looking through it for rubbish takes 0.2 s each time.
        gc.collect()
        gc.freeze()
        self._send(ready())
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        while (request := self._waiting.get()) is not None and not self._ended.is_set():
            self._session.handle(request)
            with self._lock:
                self._unfinished -= 1
            if isinstance(request, Quit):
                return

    def _read(self) -> None:
        """Sort what arrives. A closed stream means that the asker is gone."""
        try:
            while (message := wire.read_request(self._requests)) is not None:
                with self._lock:
                    if isinstance(message, Request):
                        self._unfinished += 1
                        self._waiting.put(message)
                    elif self._unfinished:
                        # A control that comes when nothing runs was meant for what has just ended.
                        self._session.controls.put(message)
        finally:
            if self._session.outlives_asker:
                # The run folder is the truth: others find it there, and controls come by its mailbox.
                self._ended.set()
                self._hang_up()
                self._waiting.put(None)
            else:
                self.stop()

    def stop(self) -> None:
        """End the running request, keeping its state, and then the process."""
        self._ended.set()
        self._session.controls.put(Stop(keep=True))
        self._waiting.put(None)

    def _hang_up(self) -> None:
        """Let the asker see the end of the stream of events."""
        self._closed.set()
        self._events.close()

    def _send(self, event: Event) -> None:
        if self._closed.is_set():
            return
        try:
            wire.write(self._events, event)
        except (BrokenPipeError, ValueError):  # ValueError: closed meanwhile
            self._closed.set()


def ready() -> Ready:
    """What this engine runs on."""
    prepare_devices()
    return Ready(
        keras_version=keras.__version__,
        tensorflow_version=tf.__version__,
        device=device_name(),
        why_not_gpu=" ".join(findings()),
        memory_bytes=psutil.virtual_memory().total,
    )
