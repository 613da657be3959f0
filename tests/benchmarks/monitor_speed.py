"""What looking into a training costs: our monitors beside plain fit and TensorBoard's callback.

    python -m tests.benchmarks.monitor_speed [--rounds 3]

The same networks on the same data: ``Model.fit`` alone, with the TensorBoard callback at
``histogram_freq=1`` (the histograms of all weights each epoch), our engine without looks and with all of
its monitors at their default rate. Each trains in a process of its own, one after the other in turns;
ratios are of medians to plain fit. The overhead of looking is to be at most half of TensorBoard's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

MODES = ("fit", "tensorboard", "engine", "monitors")
NETWORKS = {"mlp": ("digits-mlp", 60), "cnn": ("digits-cnn", 15)}
"""A bundled sample, and the epochs that it is trained for."""


def trained(network: str, mode: str) -> float:
    """Seconds from the first step to the end of the last epoch."""
    import keras
    from msgspec.structs import replace

    from kbuilder.document.project_file import load
    from kbuilder.resources import resource

    name, epochs = NETWORKS[network]
    project = load(Path(resource(f"samples/{name}.kbuilder")))
    every = 1 if mode == "monitors" else 0
    project = replace(project, fit=replace(project.fit, epochs=epochs, monitor_every=every))
    with tempfile.TemporaryDirectory() as folder:
        if mode in ("engine", "monitors"):
            return _by_engine(project, folder)
        from kbuilder.document.catalogue import load_catalogue
        from kbuilder.engine import data
        from kbuilder.engine.arrays import bare
        from kbuilder.engine.build import build
        from kbuilder.engine.compiling import compile_model
        from kbuilder.engine.matching import match, split

        catalogue = load_catalogue()
        built = build(project, catalogue)
        compile_model(built, project, catalogue)
        found = data.load(project.data, project.graph)
        train, held = split(match(built, project, found.inputs, found.targets), project.fit)
        callbacks = []
        if mode == "tensorboard":
            callbacks = [keras.callbacks.TensorBoard(folder, histogram_freq=1)]
        marks: list[float] = []

        class Clock(keras.callbacks.Callback):
            def on_train_begin(self, logs: object = None) -> None:
                marks.append(time.perf_counter())

            def on_train_end(self, logs: object = None) -> None:
                marks.append(time.perf_counter())

        built.model.fit(
            bare(train.x),
            bare(train.y),
            validation_data=(bare(held.x), bare(held.y)),
            batch_size=project.fit.batch_size,
            epochs=epochs,
            verbose=0,
            callbacks=[*callbacks, Clock()],
        )
        return marks[1] - marks[0]


def _by_engine(project: object, folder: str) -> float:
    from kbuilder.engine.session import Session
    from kbuilder.link.events import Failed, Finished, TrainingStarted
    from kbuilder.link.requests import Train

    marks: list[float] = []

    def take(event: object) -> None:
        if isinstance(event, TrainingStarted | Finished):
            marks.append(time.perf_counter())
        elif isinstance(event, Failed):
            raise AssertionError(event.text)

    session = Session(take)
    session.handle(Train(request=1, project=project, run=str(Path(folder, "run"))))  # type: ignore[arg-type]
    return marks[-1] - marks[0]


def main() -> int:
    """Print the table; 1 if the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("NETWORK", "MODE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _say(json.dumps(trained(*options.one)))
        return 0
    good = True
    _say(f"{'':8}{'':>14}{'seconds':>10}{'of fit':>9}")
    for network in NETWORKS:
        times: dict[str, list[float]] = {mode: [] for mode in MODES}
        for _ in range(options.rounds):
            for mode in MODES:
                times[mode].append(_in_process(network, mode))
        middle = {mode: statistics.median(found) for mode, found in times.items()}
        for mode in MODES:
            ratio = middle[mode] / middle["fit"]
            _say(f"{network:8}{mode:>14}{middle[mode]:10.2f}{ratio:9.2f}")
        ours = middle["monitors"] - middle["engine"]
        theirs = middle["tensorboard"] - middle["fit"]
        good &= ours <= theirs / 2
        _say(
            f"{network:8}looking costs {ours:+.2f} s ({ours / middle['engine']:+.1%} of the training), "
            f"TensorBoard {theirs:+.2f} s ({theirs / middle['fit']:+.1%} of fit): "
            f"{ours / theirs:.2f} of it"
        )
    return int(not good)


def _in_process(network: str, mode: str) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.monitor_speed", "--one", network, mode],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return float(json.loads(done.stdout.splitlines()[-1]))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
