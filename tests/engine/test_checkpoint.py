import json
import math
import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest

from kbuilder.document.errors import FileRefusedError, KBuilderError, SaveError
from kbuilder.document.project import Project
from kbuilder.engine.build import build
from kbuilder.engine.checkpoint import State, capture, read_state, restore, write_state
from kbuilder.engine.compiling import compile_model
from kbuilder.engine.runs import Run
from tests.engine.conftest import make_graph, make_node


@pytest.fixture
def trained(classifier, catalogue):
    """A model after two steps, with dropout's seed moved and Adam's moments made."""
    built = build(classifier, catalogue)
    compile_model(built, classifier, catalogue)
    rng = np.random.default_rng(1)
    built.model.fit(
        rng.normal(size=(32, 8)), rng.integers(0, 3, 32), batch_size=16, epochs=1, verbose=0
    )
    return built


@pytest.fixture
def written(trained, tmp_path):
    path = tmp_path / "checkpoint.npz"
    write_state(capture(trained.model).at(1, 3, 8, [{"loss": 0.5, "val_loss": math.nan}]), path)
    return path


def test_every_variable_comes_back_bit_for_bit(trained, written, classifier, catalogue):
    fresh = build(classifier, catalogue)
    compile_model(fresh, classifier, catalogue)
    assert restore(fresh.model, read_state(written))
    assert any("seed_generator" in variable.path for variable in fresh.model.variables)
    for ours in ("variables", "optimizer.variables"):
        *path, last = ours.split(".")
        one, other = trained.model, fresh.model
        for name in path:
            one, other = getattr(one, name), getattr(other, name)
        for a, b in zip(getattr(one, last), getattr(other, last), strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_position_and_history_come_back_and_nan_stays_nan(written):
    state = read_state(written)
    assert (state.epoch, state.step, state.steps_per_epoch) == (1, 3, 8)
    assert state.history[0]["loss"] == 0.5
    assert math.isnan(state.history[0]["val_loss"])


def test_layer_names_counted_up_by_keras_do_not_matter(catalogue):
    # The wrapper's inner layer has no name of its own: Keras calls it lstm, lstm_1, ...
    lstm = {"class_name": "LSTM", "params": {"units": 2}}
    graph = make_graph(
        make_node("Input", "in", shape=[4, 3]), make_node("Bidirectional", "both", layer=lstm)
    )
    project = Project(graph=graph)
    state = capture(build(project, catalogue).model)
    again = build(project, catalogue).model
    for variable in again.variables:
        variable.assign(np.zeros(variable.shape, variable.dtype))
    restore(again, state)
    assert state.weights.keys() == capture(again).weights.keys()
    assert all(np.array_equal(v, state.weights[k]) for k, v in capture(again).weights.items())


def test_another_network_is_refused_by_the_name_of_the_layer(written, classifier, catalogue):
    nodes = tuple(
        msgspec.structs.replace(node, params={**node.params, "units": 7})
        if node.name == "hidden"
        else node
        for node in classifier.graph.nodes
    )
    graph = msgspec.structs.replace(classifier.graph, nodes=nodes)
    other = build(Project(graph=graph), catalogue)
    before = other.model.get_weights()
    with pytest.raises(KBuilderError, match="“hidden”"):
        restore(other.model, read_state(written))
    for one, same in zip(before, other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)


def test_any_damage_is_noticed(written):
    content = written.read_bytes()
    rng = np.random.default_rng(0)
    positions = rng.integers(0, len(content), 400)
    for position in positions:
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(0, 8))
        written.write_bytes(damaged)
        try:
            state = read_state(written)
        except FileRefusedError:
            continue
        # Bits that carry nothing (dates, padding of headers) may differ; the values may not.
        written.write_bytes(content)
        same = read_state(written)
        assert state.history[0]["loss"] == same.history[0]["loss"]
        for key, values in same.weights.items():
            np.testing.assert_array_equal(values, state.weights[key])
    for length in (0, 10, len(content) // 2, len(content) - 1):
        written.write_bytes(content[:length])
        with pytest.raises(FileRefusedError, match="damaged"):
            read_state(written)


def test_a_changed_array_with_a_valid_zip_is_noticed(written, tmp_path):
    changed = tmp_path / "changed.npz"
    with np.load(written) as file:
        arrays = dict(file)
    key = next(name for name in arrays if name.startswith("weights/hidden"))
    arrays[key] = arrays[key] + 1
    np.savez(changed, **arrays)
    with pytest.raises(FileRefusedError, match=key):
        read_state(changed)


def test_a_checkpoint_holds_no_pickle_and_refuses_one(written, tmp_path):
    with zipfile.ZipFile(written) as file:
        assert all(name.endswith(".npy") for name in file.namelist())
    bomb = tmp_path / "bomb.npz"
    np.savez(bomb, header=np.array([{"format_version": 1}], dtype=object))
    with pytest.raises(FileRefusedError):
        read_state(bomb)


def test_a_newer_version_and_a_missing_file_are_said_so(tmp_path):
    path = tmp_path / "checkpoint.npz"
    with pytest.raises(FileRefusedError, match="not reached its first checkpoint"):
        read_state(path)
    write_state(State(weights={}), path)
    with np.load(path) as file:
        header = json.loads(file["header"].tobytes())
    header["format_version"] = 99
    np.savez(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8))
    with pytest.raises(FileRefusedError, match="newer kbuilder"):
        read_state(path)


def test_a_failed_write_leaves_the_checkpoint_before_it(trained, written, monkeypatch):
    before = written.read_bytes()

    def full(*arguments, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(SaveError, match="disk is full"):
        write_state(capture(trained.model), written)
    assert written.read_bytes() == before
    assert [path.name for path in written.parent.iterdir()] == [written.name]


def test_a_run_is_read_back(classifier, tmp_path):
    run = Run.create(tmp_path / "run", classifier)
    run.begin(None, None)
    run.end_epoch(0, {"loss": 0.25, "=cmd()": 1.0}, 0.1)
    run.end_epoch(1, {"loss": 0.125, "=cmd()": math.nan}, 0.1)
    opened = Run.open(tmp_path / "run")
    assert opened.project == classifier
    assert [row["loss"] for row in opened.history] == [0.25, 0.125]
    lines = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,'=cmd()"
    events = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in events] == [
        "started",
        "epoch ended",
        "epoch ended",
    ]


def test_a_damaged_or_missing_checkpoint_is_not_the_only_one(classifier, tmp_path, monkeypatch):
    run = Run.create(tmp_path / "run", classifier)
    newest = tmp_path / "run" / "checkpoint.npz"
    for epoch in (1, 2):
        run.save(State(weights={}, epoch=epoch))
    assert run.state.epoch == 2
    newest.write_bytes(newest.read_bytes()[:-30])
    assert run.state.epoch == 1

    def full(*arguments, **named):
        raise OSError(28, "No space left on device")

    run.save(State(weights={}, epoch=3))
    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(SaveError):
        run.save(State(weights={}, epoch=4))
    assert run.state.epoch == 3


def test_a_run_never_overwrites_another(classifier, tmp_path):
    Run.create(tmp_path / "run", classifier)
    with pytest.raises(KBuilderError, match="already holds a run"):
        Run.create(tmp_path / "run", classifier)
    with pytest.raises(FileRefusedError, match="is not a run"):
        Run.open(tmp_path)


def test_discarding_a_run_leaves_what_is_not_its_own(classifier, tmp_path):
    run = Run.create(tmp_path / "run", classifier)
    mine = tmp_path / "run" / "notes.txt"
    mine.write_text("mine")
    run.discard()
    assert list((tmp_path / "run").iterdir()) == [mine]
    mine.unlink()
    Run.create(tmp_path / "run", classifier).discard()
    assert not (tmp_path / "run").exists()


def test_checkpoints_are_written_seldom_while_training(classifier, tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("kbuilder.engine.runs.time.monotonic", lambda: now[0])
    run = Run.create(tmp_path / "run", classifier)
    written = tmp_path / "run" / "checkpoint.npz"
    assert not run.is_due()
    now[0] += 5.0
    assert run.is_due()
    assert not run.is_due(within_epoch=True)
    run.save(State(weights={}))
    assert written.exists()
    assert not run.is_due()
    now[0] += 60.0
    assert run.is_due(within_epoch=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_tables_on_a_full_disk_are_told_in_a_sentence(classifier, tmp_path):
    run = Run.create(tmp_path / "run", classifier)
    for name in ("events.jsonl", "batches.csv", "history.csv"):
        (run.folder / name).symlink_to("/dev/full")
    writes = (
        lambda: run.log("started"),
        lambda: run.add_batches(0, 0, ["loss"], [[0.5]]),
        lambda: run.end_epoch(0, {"loss": 0.5}, 1.0),
    )
    for write in writes:
        with pytest.raises(SaveError, match=r"was not saved in .*: the disk is full"):
            write()
