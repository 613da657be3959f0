"""A sweep: one training after the other with other options, chosen by Optuna, the bad ones given up early.

What is proposed for a trial depends on the trials before it and on (seed, number) alone, so a sweep that
was stopped and goes on tries what it would have tried. The trials on disk are all that is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from kbuilder.document.catalogue import Catalogue
from kbuilder.document.data_places import with_fixed_data
from kbuilder.document.errors import FileRefusedError, KBuilderError, SaveError
from kbuilder.document.project import Project
from kbuilder.document.scores import best_of
from kbuilder.document.sweep import SweepOptions, SweepParam
from kbuilder.document.sweep_params import grid, grid_size, trial_project, values_of
from kbuilder.document.sweep_rules import sweep_problems
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.controls import ControlQueue, StopRequestedError
from kbuilder.engine.failures import failure
from kbuilder.engine.runs import Run
from kbuilder.link.events import EpochEnded, TrainingStarted
from kbuilder.link.messages import Event
from kbuilder.link.requests import Stop, Sweep, Train
from kbuilder.link.run_events import TrialEnded, TrialStarted
from kbuilder.link.trials import ENDED, Trial, read_trials, trial_folder, write_trial

if TYPE_CHECKING:
    import optuna

Send = Callable[[Event], None]
TrainOne = Callable[[Train, Send], None]
_TRIALS_PER_SEED = 1_000_003


@dataclass
class Sweeping:
    """One sweep. ``train`` does an ordinary training and raises what that raises."""

    request: Sweep
    catalogue: Catalogue
    send: Send
    controls: ControlQueue
    train: TrainOne
    known: list[Trial] = field(default_factory=list)

    def run(self) -> None:
        """Try what has not been tried yet.

        Raises:
            BuildError: the sweep itself means nothing.
            KBuilderError: Optuna is missing, or no trial has the objective.
            StopRequestedError: the user stopped; the trial that was on begins anew the next time.
        """
        problems = sweep_problems(self.request.project, self.catalogue)
        if problems:
            raise BuildError(problems)
        optuna = load_optuna()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        options = self.request.project.sweep
        self.known = [t for t in read_trials(Path(self.request.folder)) if t.state in ENDED]
        done = {trial.number for trial in self.known}
        for number in range(count_of(options)):
            if number not in done:
                self._trial(optuna, number)

    def _trial(self, module: Any, number: int) -> None:
        options = self.request.project.sweep
        study = make_study(module, options, self.known, number)
        asked, values = ask(module, study, options, number)
        folder = trial_folder(Path(self.request.folder), number)
        _clear(folder)
        trial = Trial(number=number, values=values)
        _write(folder, trial)
        self.send(
            TrialStarted(
                request=self.request.request, number=number, run=str(folder), values=values
            )
        )
        trial = _One(self, asked, trial, folder).run()
        _write(folder, trial)
        self.known.append(trial)
        self.send(
            TrialEnded(
                request=self.request.request,
                number=number,
                state=trial.state,
                objective=trial.objective,
                text=trial.text,
            )
        )


@dataclass
class _One:
    """One trial in progress: an ordinary training whose epochs are looked at as they end."""

    sweeping: Sweeping
    asked: Any
    trial: Trial
    folder: Path
    reported: list[float] = field(default_factory=list)
    names: tuple[str, ...] = ()
    pruned: bool = False

    def run(self) -> Trial:
        """Train; a failure is the end of this trial only."""
        request = self.sweeping.request
        fixed = with_fixed_data(request.project, request.base)
        project = trial_project(fixed, self.trial.values)
        train = Train(
            request=request.request,
            project=project,
            run=str(self.folder),
            base=request.base,
            devices=request.devices,
        )
        try:
            self.sweeping.train(train, self._hear)
        except StopRequestedError:
            if not self.pruned:
                raise
        except SaveError:
            raise  # the next trial could not be written either
        except Exception as error:  # noqa: BLE001 - whatever ends one trial leaves the others
            told = failure(request.request, error)
            return self._ended("failed", text=told.text)
        else:
            if self.pruned:
                self._take_stop_back()
            return self._ended("complete")
        return self._ended("pruned")

    def _take_stop_back(self) -> None:
        """The training was over before it met our Stop, which must not end the next one."""
        waiting = self.sweeping.controls
        left = [waiting.get() for _ in range(waiting.qsize())]
        left.remove(Stop(keep=True))
        for control in left:
            waiting.put(control)

    def _hear(self, event: Event) -> None:
        self.sweeping.send(event)
        if isinstance(event, TrainingStarted):
            with suppress(SaveError):  # the values also lie in trial.json
                Run(self.folder, Project()).log(
                    "trial", number=self.trial.number, values=self.trial.values
                )
        elif isinstance(event, EpochEnded):
            self._judge(event)

    def _judge(self, event: EpochEnded) -> None:
        options = self.sweeping.request.project.sweep
        self.names = tuple(event.logs)
        value = event.logs.get(options.objective)
        if value is None or self.pruned:
            return
        self.reported.append(value)
        if not math.isfinite(value):
            return
        self.asked.report(value, event.epoch)
        if options.prune and self.asked.should_prune():
            self.pruned = True
            self.sweeping.controls.put(Stop(keep=True))

    def _ended(self, state: str, text: str = "") -> Trial:
        options = self.sweeping.request.project.sweep
        objective = best_of(options.objective, self.reported, options.direction)
        if state == "complete" and not self.reported:
            known = ", ".join(self.names) or "none"
            raise KBuilderError(
                f"No epoch of trial {self.trial.number} has the value “{options.objective}” that the "
                f"sweep looks for. There are: {known}. Choose one of these."
            )
        if state == "complete" and objective is None:
            state, text = "failed", f"{options.objective} was never a finite number."
        told = tuple(value if math.isfinite(value) else None for value in self.reported)
        return replace(self.trial, state=state, objective=objective, reported=told, text=text)


def load_optuna() -> Any:
    """The library that proposes and prunes.

    Raises:
        KBuilderError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise KBuilderError(
            "Sweeps need Optuna, which is not installed. Install it with: "
            "pip install “kbuilder[sweep]”"
        ) from error
    return optuna


def count_of(options: SweepOptions) -> int:
    """How many trials a sweep has: a grid tries all combinations, whatever ``trials`` says."""
    return grid_size(options.params) if options.method == "grid" else options.trials


def make_study(
    module: Any, options: SweepOptions, known: Sequence[Trial], number: int
) -> optuna.Study:
    """A study that knows the trials so far, with the sampler for trial ``number``."""
    seed = (options.seed * _TRIALS_PER_SEED + number) % 2**32
    sampler: Any
    if options.method == "bayesian":
        startup = max(2, min(10, options.trials // 4))
        sampler = module.samplers.TPESampler(seed=seed, n_startup_trials=startup)
    else:
        sampler = module.samplers.RandomSampler(seed=seed)
    study = module.create_study(
        direction="minimize" if options.direction == "min" else "maximize",
        sampler=sampler,
        pruner=module.pruners.MedianPruner() if options.prune else module.pruners.NopPruner(),
    )
    for trial in sorted(known, key=lambda trial: trial.number):
        for told in _told(module, options, trial):
            study.add_trial(told)
    return study


def ask(
    module: Any, study: optuna.Study, options: SweepOptions, number: int
) -> tuple[optuna.Trial, dict[str, Any]]:
    """The trial to do next and its values by the names of the options."""
    spaces = {param.name: distribution(module, param) for param in options.params}
    if options.method == "grid":
        values = next(islice(grid(options.params), number, None))
        study.enqueue_trial({p.name: _token(p, values[p.name]) for p in options.params})
    trial = study.ask(spaces)
    return trial, {p.name: _value(p, trial.params[p.name]) for p in options.params}


def distribution(module: Any, param: SweepParam) -> Any:
    """What Optuna draws from for one option; listed values travel as their JSON."""
    if param.values:
        tokens = dict.fromkeys(_token(param, value) for value in values_of(param))
        return module.distributions.CategoricalDistribution(tuple(tokens))
    if param.whole:
        assert param.low is not None
        assert param.high is not None
        return module.distributions.IntDistribution(int(param.low), int(param.high), log=param.log)
    return module.distributions.FloatDistribution(param.low, param.high, log=param.log)


def _token(param: SweepParam, value: Any) -> Any:
    return msgspec.json.encode(value).decode() if param.values else value


def _value(param: SweepParam, token: Any) -> Any:
    return msgspec.json.decode(token) if param.values else token


def _told(module: Any, options: SweepOptions, trial: Trial) -> Iterator[Any]:
    """A trial from disk in Optuna's terms; none if it was of another sweep than these options say."""
    if set(trial.values) != {param.name for param in options.params}:
        return
    state = module.trial.TrialState
    states = {"complete": state.COMPLETE, "pruned": state.PRUNED, "failed": state.FAIL}
    steps = {at: value for at, value in enumerate(trial.reported) if value is not None}
    with suppress(ValueError):  # a value outside of the ranges that the options have now
        yield module.trial.create_trial(
            state=states[trial.state],
            value=trial.objective if trial.state == "complete" else None,
            params={p.name: _token(p, trial.values[p.name]) for p in options.params},
            distributions={p.name: distribution(module, p) for p in options.params},
            intermediate_values=steps,
        )


def _clear(folder: Path) -> None:
    """A trial that was stopped half way begins anew."""
    with suppress(FileRefusedError):
        Run.open(folder).discard()


def _write(folder: Path, trial: Trial) -> None:
    try:
        write_trial(folder, trial)
    except OSError as error:
        raise KBuilderError(
            f"The folder “{folder}” cannot be made: {error.strerror}. Choose another one."
        ) from error
