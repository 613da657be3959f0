"""Two logical devices of one processor, in an engine of its own: TensorFlow splits it only at the start."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from msgspec.structs import replace

from kbuilder.engine import devices
from kbuilder.engine.runs import Run
from kbuilder.link import wire
from kbuilder.link.events import Failed, Finished, Stopped
from kbuilder.link.requests import FindDevices, Train
from kbuilder.link.run_events import DevicesFound
from tests.engine.conftest import loss, make_graph, make_node


@pytest.fixture(scope="module")
def ask():
    """Sends requests to an engine with two devices and returns what it says."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kbuilder.engine"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, devices.CPUS: "2"},
    )

    def asked(request):
        wire.write(process.stdin, request)
        told = []
        while not told or not isinstance(told[-1], Finished | Failed | Stopped):
            told.append(wire.read_event(process.stdout))
        return told

    yield asked
    process.stdin.close()
    process.stdout.close()
    process.wait(60)


@pytest.fixture
def plain(classifier):
    """No chance in it, and batches that halve: 112 training samples in batches of 16."""
    graph = make_graph(
        make_node("Input", "points", shape=[8]),
        make_node("Dense", "hidden", units=12, activation="relu"),
        make_node("Dense", "label", units=3, activation="softmax"),
    )
    judged = {"#label": loss("SparseCategoricalCrossentropy", "SparseCategoricalAccuracy")}
    compiled = replace(classifier.compile, outputs=judged)
    fit = replace(classifier.fit, epochs=3, batch_size=16, validation_split=0.25)
    return replace(classifier, graph=graph, compile=compiled, fit=fit)


def test_all_devices_are_found_and_a_reason_is_given_where_there_is_no_gpu(ask):
    (found,) = (event for event in ask(FindDevices(request=1)) if isinstance(event, DevicesFound))
    assert [device.name for device in found.devices if device.name.startswith("CPU")] == [
        "CPU:0",
        "CPU:1",
    ]
    assert found.devices[0].memory_bytes > 0
    assert bool(found.findings) != found.devices[0].name.startswith("GPU")


def test_two_devices_give_the_numbers_of_one(ask, plain, tmp_path):
    for name, chosen in (("one", ("CPU:1",)), ("both", ("CPU:0", "CPU:1"))):
        end = ask(Train(request=2, project=plain, run=str(tmp_path / name), devices=chosen))[-1]
        assert isinstance(end, Finished), end
    one, both = Run.open(tmp_path / "one"), Run.open(tmp_path / "both")
    assert len(both.history) == 3
    for mine, other in zip(one.history, both.history, strict=True):
        assert mine.keys() == other.keys()
        for name, value in mine.items():
            assert other[name] == pytest.approx(value, abs=2e-6), name
    for name, values in one.state.weights.items():
        np.testing.assert_allclose(both.state.weights[name], values, atol=2e-6, err_msg=name)


def test_a_training_of_two_devices_is_gone_on_with(ask, plain, tmp_path):
    both = ("CPU:0", "CPU:1")
    straight, first, second = (str(tmp_path / name) for name in ("straight", "first", "second"))
    ask(Train(request=3, project=plain, run=straight, devices=both))
    short = replace(plain, fit=replace(plain.fit, epochs=2))
    ask(Train(request=4, project=short, run=first, devices=both))
    end = ask(Train(request=5, project=plain, run=second, resume=first, devices=both))[-1]
    assert isinstance(end, Finished), end
    for name, values in Run.open(tmp_path / "straight").state.weights.items():
        np.testing.assert_array_equal(Run.open(tmp_path / "second").state.weights[name], values)


@pytest.mark.parametrize(
    ("chosen", "batch_size", "words"),
    [
        (("GPU:7",), 16, "There is no device “GPU:7” on this machine; there are CPU:0, CPU:1"),
        (("CPU:0", "CPU:1"), 37, "has 1 sample, too few for 2 devices"),
    ],
)
def test_devices_that_cannot_be_used_are_refused(ask, plain, tmp_path, chosen, batch_size, words):
    project = replace(plain, fit=replace(plain.fit, batch_size=batch_size))
    end = ask(Train(request=6, project=project, run=str(tmp_path / "run"), devices=chosen))[-1]
    assert isinstance(end, Failed)
    assert words in end.text
    assert not (tmp_path / "run").exists()
