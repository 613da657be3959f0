"""Sweeps: proposals, pruning, failures, going on, and one with real trainings."""

from __future__ import annotations

import builtins
import queue
from collections.abc import Callable
from pathlib import Path

import pytest

from kbuilder.document import edits
from kbuilder.document.errors import KBuilderError
from kbuilder.document.project_file import save
from kbuilder.document.sweep import SweepParam
from kbuilder.document.sweep_params import trial_project
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.controls import StopRequestedError
from kbuilder.engine.session import Session
from kbuilder.engine.sweeping import Sweeping
from kbuilder.link.events import EpochEnded, Finished, Stopped, TrainingStarted
from kbuilder.link.requests import Stop, Sweep, Train
from kbuilder.link.run_events import TrialEnded, TrialStarted
from kbuilder.link.run_facts import read_run
from kbuilder.link.trials import read_trials

RATE = SweepParam(name="optimizer.learning_rate", low=1e-3, high=1.0, log=True)
UNITS = SweepParam(name="#hidden.units", low=2, high=9, whole=True, steps=3)
KIND = SweepParam(name="compile.optimizer", values=("SGD", {"class_name": "Adam"}))


class Bench:
    """A sweep whose trainings are made up: ``losses`` tells the epochs of a project."""

    def __init__(self, project, catalogue, folder: Path, losses: Callable) -> None:
        self.request = Sweep(request=5, project=project, folder=str(folder))
        self.controls: queue.SimpleQueue = queue.SimpleQueue()
        self.events: list = []
        self.trained: list[Train] = []
        self.losses = losses
        self.sweeping = Sweeping(
            self.request, catalogue, self.events.append, self.controls, self.train
        )

    def train(self, request: Train, hear: Callable) -> None:
        self.trained.append(request)
        folder = Path(request.run)
        save(request.project, folder / "project.kbuilder")
        hear(
            TrainingStarted(
                request=5,
                run=request.run,
                first_epoch=0,
                epochs=9,
                steps_per_epoch=1,
                batch_size=1,
                samples=1,
            )
        )
        for epoch, loss in enumerate(self.losses(request.project)):
            hear(EpochEnded(request=5, epoch=epoch, logs={"val_loss": loss}, seconds=0.1))
            if not self.controls.empty():
                raise StopRequestedError(self.controls.get().keep)

    def values(self) -> list[dict]:
        return [event.values for event in self.events if isinstance(event, TrialStarted)]

    def ends(self) -> list[TrialEnded]:
        return [event for event in self.events if isinstance(event, TrialEnded)]


def rate(project) -> float:
    return project.compile.optimizer.params["learning_rate"]


def swept(project, *params: SweepParam, **changes):
    return edits.set_sweep(project, params=params, **changes)


def test_a_grid_tries_every_combination_in_order(classifier, catalogue, tmp_path) -> None:
    project = swept(classifier, UNITS, KIND, method="grid", trials=1, prune=False)
    bench = Bench(
        project, catalogue, tmp_path / "s", lambda p: [p.graph.by_id["#hidden"].params["units"]]
    )
    bench.sweeping.run()
    wanted = [
        {"#hidden.units": units, "compile.optimizer": kind}
        for units in (2, 6, 9)
        for kind in KIND.values
    ]  # fmt: skip
    assert bench.values() == wanted
    assert [Path(t.run).name for t in bench.trained][:2] == ["trial-000", "trial-001"]
    assert [t.project for t in bench.trained] == [trial_project(project, v) for v in wanted]
    assert [end.objective for end in bench.ends()] == [2, 2, 6, 6, 9, 9]
    assert {trial.state for trial in read_trials(tmp_path / "s")} == {"complete"}
    assert '"event":"trial"' in (tmp_path / "s" / "trial-000" / "events.jsonl").read_text("utf-8")


def far_from_a_tenth(project) -> list[float]:
    return [abs(rate(project) - 0.1)]


@pytest.mark.parametrize("method", ["random", "bayesian"])
def test_a_sweep_that_goes_on_tries_what_it_would_have_tried(
    method, classifier, catalogue, tmp_path
) -> None:
    project = swept(classifier, RATE, method=method, trials=9, seed=4)
    straight = Bench(project, catalogue, tmp_path / "straight", far_from_a_tenth)
    straight.sweeping.run()
    first = Bench(edits.set_sweep(project, trials=9), catalogue, tmp_path / "cut", far_from_a_tenth)

    def stop_in_the_fifth(each) -> list[float]:
        if len(first.trained) == 5:
            first.controls.put(Stop(keep=True))
        return far_from_a_tenth(each)

    first.losses = stop_in_the_fifth
    with pytest.raises(StopRequestedError):
        first.sweeping.run()
    assert [trial.state for trial in read_trials(tmp_path / "cut")] == ["complete"] * 4 + [
        "running"
    ]
    second = Bench(project, catalogue, tmp_path / "cut", far_from_a_tenth)
    second.sweeping.run()
    assert len(second.trained) == 5
    assert first.values()[:4] + second.values() == straight.values()
    tried = [values["optimizer.learning_rate"] for values in straight.values()]
    assert len(set(tried)) == 9
    assert all(1e-3 <= value <= 1.0 for value in tried)


def test_bad_trials_are_given_up_early_and_end_no_other(classifier, catalogue, tmp_path) -> None:
    """Six good ones, then one that is bad, one that is bad in its last epoch only, one good one."""
    courses = iter([[3, 2, 1]] * 6 + [[9, 9, 9], [9], [3, 2, 0.5]])
    project = swept(classifier, RATE, method="random", trials=9)
    bench = Bench(project, catalogue, tmp_path, lambda each: next(courses))

    def late(request: Train, hear: Callable) -> None:
        """The eighth training is over before it meets the Stop."""
        if len(bench.trained) == 7:
            bench.trained.append(request)
            hear(EpochEnded(request=5, epoch=0, logs={"val_loss": next(courses)[0]}, seconds=0.1))
        else:
            bench.train(request, hear)

    bench.sweeping.train = late
    bench.sweeping.run()
    states = [end.state for end in bench.ends()]
    assert states == ["complete"] * 6 + ["pruned", "complete", "complete"]
    assert read_trials(tmp_path)[6].reported == (9,)
    assert bench.ends()[-1].objective == 0.5


def test_a_failed_trial_ends_no_sweep(classifier, catalogue, tmp_path) -> None:
    project = swept(classifier, UNITS, method="grid")
    bench = Bench(project, catalogue, tmp_path, lambda each: [1.0])

    def train(request: Train, hear: Callable) -> None:
        if len(bench.trained) == 1:
            bench.trained.append(request)
            raise KBuilderError("The shapes do not fit.")
        if len(bench.trained) == 2:
            bench.losses = lambda each: [float("nan")]
        bench.train(request, hear)

    bench.sweeping.train = train
    bench.sweeping.run()
    told = [(end.state, end.text) for end in bench.ends()]
    assert told[0] == ("complete", "")
    assert told[1] == ("failed", "The shapes do not fit.")
    assert told[2] == ("failed", "val_loss was never a finite number.")
    again = Bench(project, catalogue, tmp_path, lambda each: [1.0])
    again.sweeping.run()
    assert again.trained == []


def test_what_cannot_be_swept_is_refused(classifier, catalogue, tmp_path, monkeypatch) -> None:
    bench = Bench(swept(classifier), catalogue, tmp_path, lambda each: [1.0])
    with pytest.raises(BuildError, match="varies nothing"):
        bench.sweeping.run()
    other = swept(classifier, RATE, objective="val_speed")
    bench = Bench(other, catalogue, tmp_path, lambda each: [1.0])
    with pytest.raises(KBuilderError, match=r"“val_speed”.*There are: val_loss"):
        bench.sweeping.run()
    real = builtins.__import__

    def without_optuna(name, *rest):
        if name == "optuna":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_optuna)
    with pytest.raises(KBuilderError, match="pip install"):
        Bench(swept(classifier, RATE), catalogue, tmp_path, lambda each: []).sweeping.run()


def test_real_trainings_are_ordinary_runs(classifier, catalogue, tmp_path) -> None:
    units = SweepParam(name="#hidden.units", values=(3, -1, 5))
    events: list = []
    session = Session(events.append, catalogue)
    good = swept(classifier, SweepParam(name="#hidden.units", values=(3, 5)), method="grid")
    session.handle(Sweep(request=1, project=swept(classifier, units), folder=str(tmp_path / "no")))
    assert "units" in events[-1].text
    events.clear()
    session.handle(Sweep(request=2, project=good, folder=str(tmp_path / "s")))
    assert events[-1] == Finished(request=2)
    ended = [event for event in events if isinstance(event, TrialEnded)]
    assert [end.state for end in ended] == ["complete", "complete"]
    for end in ended:
        facts = read_run(tmp_path / "s" / f"trial-{end.number:03d}")
        assert facts.state == "complete"
        assert facts.best["val_loss"] == end.objective
    assert facts.project.graph.by_id["#hidden"].params["units"] == 5
    events.clear()
    session.controls.put(Stop(keep=True))
    more = edits.set_sweep(good, params=(SweepParam(name="#hidden.units", values=(3, 5, 4)),))
    session.handle(Sweep(request=3, project=more, folder=str(tmp_path / "s")))
    assert events[-1] == Stopped(request=3, kept=True)
    assert read_trials(tmp_path / "s")[2].state == "running"
