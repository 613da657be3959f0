"""Models and weights that come from files: asked for, waited for, or no longer wanted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal, Slot

from kbuilder.document.document import Document
from kbuilder.link.events import ModelOpened, WeightsLoaded, WeightsMatched
from kbuilder.link.requests import LoadWeights, MakeApplication, MatchWeights, OpenModel, Stop
from kbuilder.ui.engine_thread import EngineThread
from kbuilder.ui.training_state import State

if TYPE_CHECKING:
    from kbuilder.ui.training import Training


class ModelLoading(QObject):
    """Asks the trainer engine for models and weights; what comes is told by ``training.done``.

    Signals:
        matched: which weights of a file go where; carries ``WeightsMatched``.
    """

    matched = Signal(object)

    def __init__(self, training: Training, document: Document, engine: EngineThread) -> None:
        super().__init__(training)
        self._training = training
        self._document = document
        self._engine = engine
        self._opening = self._loading = self._matching = 0
        engine.received.connect(self._take)

    def open_model(self, path: Path) -> None:
        """Read a model file; the network comes by ``done``, and its weights later in the same way."""
        self.leave()
        self._opening = self._engine.next_request()
        run = str(self._training.new_run_folder())
        self._engine.send(OpenModel(request=self._opening, path=str(path), run=run))

    def make_application(self, wanted: MakeApplication) -> None:
        """Make a pretrained network; it comes by ``done`` as an opened model does."""
        self.leave()
        self._opening = self._engine.next_request()
        run = str(self._training.new_run_folder())
        self._engine.send(replace(wanted, request=self._opening, run=run))

    def match_weights(self, path: Path, by: str = "auto") -> None:
        """Ask which layers of a file go with which of the project; the answer comes by ``matched``."""
        self._matching = self._engine.next_request()
        self._engine.send(
            MatchWeights(
                request=self._matching, project=self._document.project, path=str(path), by=by
            )
        )

    def load_weights(self, path: Path, mapping: dict[str, str]) -> None:
        """Put the weights of a file into the project's model; the answer comes by ``done``."""
        self._loading = self._engine.next_request()
        self._engine.send(
            LoadWeights(
                request=self._loading,
                project=self._document.project,
                path=str(path),
                run=str(self._training.new_run_folder()),
                mapping=mapping,
            )
        )

    def leave(self) -> None:
        """The weights that are on the way are no longer wanted."""
        self._opening = 0
        if self._training.state is State.LOADING:
            self._engine.send(Stop(keep=False))
            self._training.set_state(State.IDLE)

    def forget(self) -> None:
        """The engine died: nothing is on the way."""
        self._opening = 0

    def end(self, request: int) -> bool:
        """Whether the request that ended was the one that opens a model."""
        if not request or request != self._opening:
            return False
        self._opening = 0
        if self._training.state in (State.LOADING, State.STOPPING):
            self._training.set_state(State.IDLE)
            self._training.watch_again()  # could not be looked at before
        return True

    @Slot(object)
    def _take(self, event: object) -> None:
        if isinstance(event, ModelOpened) and event.request == self._opening:
            self._training.done.emit(event)
            if event.run:
                self._opening = event.request
                self._training.set_state(State.LOADING)
        elif isinstance(event, WeightsLoaded):
            # The window may have gone on to another project meanwhile.
            if event.request == self._opening:
                self._training.run = event.run
            if event.request in (self._opening, self._loading):
                self._training.done.emit(event)
        elif isinstance(event, WeightsMatched) and event.request == self._matching:
            self.matched.emit(event)
