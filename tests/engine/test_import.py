"""What is taken from foreign model files and what is refused, before Keras sees any of it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from kbuilder.document.catalogue import ClassSpec, load_catalogue
from kbuilder.document.errors import FileRefusedError
from kbuilder.document.project_file import load, save
from kbuilder.engine.doctor import check_file
from kbuilder.engine.import_graph import graph_from
from kbuilder.engine.model_files import opening
from tests.engine.conftest import read_model
from tests.engine.sample_layers import model_with

CATALOGUE = load_catalogue()
layers = keras.layers


@pytest.mark.parametrize(
    "spec",
    [s for s in CATALOGUE.layers if not (s.hidden or s.is_operation or s.class_name == "Input")],
    ids=lambda s: s.class_name,
)
def test_every_layer_comes_back_from_the_config_of_keras(spec: ClassSpec) -> None:
    model = model_with(spec)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    node = graph_from(CATALOGUE, config, "here").by_id["it"]
    assert node.class_name == spec.class_name
    assert comparable(model_with(spec, node.params)) == comparable(model)


def comparable(model: keras.Model) -> Any:
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    return without_ids(config["config"]["layers"])


def without_ids(value: Any) -> Any:
    """Without numbers and names that Keras counts up; the layers themselves are called ``it``."""
    if isinstance(value, dict):
        dropped = {"shared_object_id", "seed"} | ({"name"} if value.get("name") != "it" else set())
        return {key: without_ids(item) for key, item in value.items() if key not in dropped}
    return [without_ids(item) for item in value] if isinstance(value, list) else value


# --- refusals -----------------------------------------------------------------------------------


def saved(path: Path, change: Callable[[dict[str, Any]], None], name: str = "m.keras") -> Path:
    """A good ``.keras`` file with its configuration changed."""
    model = keras.Sequential(
        [keras.Input((3,), name="in"), layers.Dense(2, name="a"), layers.Dense(2, name="b")]
    )
    model.compile("sgd", loss="mse")
    good = path / "good.keras"
    model.save(good)
    with zipfile.ZipFile(good) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    target = path / name
    with zipfile.ZipFile(target, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return target


def layer_of(config: dict[str, Any], number: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = config["config"]["layers"][number]
    return found


CODE = {"class_name": "__lambda__", "config": {"code": "4wEAAA=="}}


def lambda_layer(config: dict[str, Any]) -> None:
    layer = layer_of(config)
    layer["class_name"] = "Lambda"
    layer["config"] = {"name": "a", "function": CODE}


def foreign_module(config: dict[str, Any]) -> None:
    layer_of(config)["module"] = "os"


def custom_class(config: dict[str, Any]) -> None:
    layer_of(config)["class_name"] = "MyDense"


def foreign_object(config: dict[str, Any]) -> None:
    layer_of(config)["config"]["kernel_initializer"] = {"module": "os", "class_name": "Zeros"}


def function_as_activation(config: dict[str, Any]) -> None:
    layer_of(config)["config"]["activation"] = {
        "module": "os",
        "class_name": "function",
        "config": "mkdir",
    }


def object_as_units(config: dict[str, Any]) -> None:
    layer_of(config)["config"]["units"] = {"class_name": "__tensor__", "config": {"value": 3}}


def unknown_key(config: dict[str, Any]) -> None:
    layer_of(config)["config"]["surprise"] = 3


def vocabulary_path(config: dict[str, Any]) -> None:
    layer_of(config)["class_name"] = "StringLookup"
    layer_of(config)["config"] = {"name": "a", "vocabulary": "/etc/passwd"}


def nested_model(config: dict[str, Any]) -> None:
    layer_of(config)["class_name"] = "Functional"


def same_name_twice(config: dict[str, Any]) -> None:
    layer_of(config, 2)["config"]["name"] = "a"


def bad_name(config: dict[str, Any]) -> None:
    layer_of(config)["config"]["name"] = "../a"


def subclassed(config: dict[str, Any]) -> None:
    config["class_name"] = "MyModel"


def huge_dense(config: dict[str, Any]) -> None:
    layer_of(config)["config"]["units"] = 2**33


def many_layers(config: dict[str, Any]) -> None:
    config["config"]["layers"] *= 3000


def deep(config: dict[str, Any]) -> None:
    nest: Any = 1
    for _ in range(500):
        nest = [nest]
    layer_of(config)["config"]["units"] = nest


def set_floatx(config: dict[str, Any]) -> None:
    """The call that Keras's safe mode lets through (proof 38 of keras3.md)."""
    layer_of(config)["class_name"] = "Lambda"
    named = {"module": "keras.config", "class_name": "function", "config": "set_floatx"}
    layer_of(config)["config"] = {"name": "a", "function": named, "arguments": {"value": "float16"}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (foreign_object, "from “os”, which is not part of Keras"),
        (function_as_activation, "“mkdir”, which is not an activation"),
        (object_as_units, "parameter “units”"),
        (unknown_key, "“surprise” = 3"),
        (vocabulary_path, "read as a file"),
        (nested_model, "does not say what goes in and out"),
        (same_name_twice, "two layers called “a”"),
        (bad_name, "make a layer name"),
        (subclassed, "Only Sequential and Functional"),
        (huge_dense, "weights and holds"),
        (many_layers, "at most 5,000"),
        (deep, "nested deeper"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_configurations_beyond_the_catalogue_are_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    path = saved(tmp_path, change)
    with pytest.raises(FileRefusedError, match=reason) as refusal:
        read_model(path)
    assert "m.keras" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert keras.config.floatx() == "float32"


@pytest.mark.parametrize(
    ("change", "class_name", "kept"),
    [
        (foreign_module, "os.Dense", ("units", 2)),
        (custom_class, "MyDense", ("units", 2)),
        (lambda_layer, "program.Lambda", ("function", CODE)),
        (set_floatx, "program.Lambda", ("arguments", {"value": "float16"})),
    ],
)
def test_layers_of_programs_are_shown_and_never_built(
    tmp_path: Path,
    change: Callable[[dict[str, Any]], None],
    class_name: str,
    kept: tuple[str, Any],
) -> None:
    path = saved(tmp_path, change)
    with opening(path) as found:
        node = found.project.graph.by_id["a"]
        assert (node.class_name, node.params[kept[0]]) == (class_name, kept[1])
        save(found.project, tmp_path / "p.kbuilder")
        assert load(tmp_path / "p.kbuilder") == found.project
        assert not found.has_weights
        assert f"“a” is of class “{class_name}”" in found.notes[-1]
    with pytest.raises(FileRefusedError, match="no weights that can be loaded"):
        read_model(path)
    assert keras.config.floatx() == "float32"


def test_unchanged_file_of_the_same_kind_opens(tmp_path: Path) -> None:
    assert read_model(saved(tmp_path, lambda config: None)).model.count_params() == 14


def test_check_tells_dangers_without_building(tmp_path: Path) -> None:
    facts = check_file(saved(tmp_path, function_as_activation))
    assert facts.kind == ".keras model"
    assert "the function “os.mkdir” of another program" in facts.dangers[0]
    assert facts.parameters == 14
    facts = check_file(saved(tmp_path, lambda_layer))
    assert "code is kept and not run" in facts.notes[0]
    assert facts.custom == ("program.Lambda",)


def test_unknown_loss_and_optimizer_become_notes(tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config["compile_config"]["loss"] = "my_loss"
        config["compile_config"]["optimizer"] = {
            "module": "mine",
            "class_name": "MyOptimizer",
            "config": {},
        }

    opened = read_model(saved(tmp_path, change))
    assert any("my_loss" in note for note in opened.notes)
    assert any("MyOptimizer" in note for note in opened.notes)
    assert not opened.model.compiled


def good_h5(path: Path) -> Path:
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="a")])
    model.save(path / "m.h5")
    return path / "m.h5"


def external_link(file: h5py.File) -> None:
    file["model_weights/away"] = h5py.ExternalLink("/etc/other.h5", "/")


def soft_link(file: h5py.File) -> None:
    file["loop"] = h5py.SoftLink("/")


def external_storage(file: h5py.File) -> None:
    file.create_dataset("leak", (10,), "u1", external=[("/etc/passwd", 0, 10)])


def virtual_dataset(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((10,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (10,))
    file.create_virtual_dataset("virtual", layout)


def unallocated_bomb(file: h5py.File) -> None:
    file.create_dataset("bomb", (2**40,), "f4", chunks=(1024,))


def huge_chunk(file: h5py.File) -> None:
    file.create_dataset("chunk", (2**28,), "f4", chunks=(2**28,))


def keras_1(file: h5py.File) -> None:
    file.attrs["keras_version"] = "1.2.2"


def not_json(file: h5py.File) -> None:
    file.attrs["model_config"] = "{"


def wrong_shape(file: h5py.File) -> None:
    name = file["model_weights/a"].attrs["weight_names"][0]
    group = file["model_weights/a"]
    del group[name]
    group[name] = np.zeros((30, 20), "f4")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (external_link, "a link to another place or file"),
        (soft_link, "a link to another place or file"),
        (external_storage, "data that lie in another file"),
        (virtual_dataset, "data that lie in another file"),
        (unallocated_bomb, "far more than the file"),
        (huge_chunk, "pieces larger|far more"),
        (keras_1, "made by Keras 1.2.2"),
        (not_json, "not JSON"),
        (wrong_shape, "fit"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_hostile_and_old_hdf5_is_refused(
    tmp_path: Path, change: Callable[[h5py.File], None], reason: str
) -> None:
    path = good_h5(tmp_path)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(FileRefusedError, match=reason) as refusal:
        read_model(path)
    assert "m.h5" in str(refusal.value)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"\x80\x04."]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.hdf5"
    path.write_bytes(content)
    with pytest.raises(FileRefusedError, match=r"m\.hdf5"):
        read_model(path)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_cut_files_are_refused(tmp_path: Path, ending: str, share: float) -> None:
    path = good_h5(tmp_path) if ending == "h5" else saved(tmp_path, lambda config: None)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FileRefusedError, match=path.name):
        read_model(path)


def test_odd_zip_members_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, lambda config: None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../evil.txt", "x")
    with pytest.raises(FileRefusedError, match="not part of a Keras model"):
        read_model(path)


def test_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * 200_000_000)
    with pytest.raises(FileRefusedError, match="far more than is stored"):
        read_model(path)


# --- configurations alone -----------------------------------------------------------------------


def small() -> keras.Model:
    return keras.Sequential(
        [keras.Input((3,), name="in"), layers.Dense(2, name="a"), layers.Dense(1, name="b")]
    )


def test_keras_json_opens_as_a_graph_without_weights(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(small().to_json())
    with opening(path) as found:
        assert [node.name for node in found.project.graph.nodes] == ["in", "a", "b"]
        assert (found.has_weights, found.notes) == (False, ())
    facts = check_file(path)
    assert (facts.kind, facts.layers, facts.parameters) == ("Keras JSON", 3, 0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is not JSON that can be read"),
        ('{"a": 1}', "is None, expected a Keras object|expected a Keras object"),
        ('{"class_name": "Sequential", "config": {}}', "Only Sequential and Functional"),
        ('{"class_name": "Sequential", "config": {"layers": []}}', "nothing to open"),
        ('{"class_name": "Model", "keras_version": "2.1.0", "config": {}}', "no list of layers"),
        ("[1]", "expected a Keras model"),
    ],
)
def test_json_that_is_no_model_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(content)
    with pytest.raises(FileRefusedError, match=reason), opening(path):
        pass


def test_code_in_json_is_kept_and_not_run(tmp_path: Path) -> None:
    config = json.loads(small().to_json())
    lambda_layer(config)
    path = tmp_path / "m.json"
    path.write_text(json.dumps(config))
    with opening(path) as found:
        assert found.project.graph.by_id["a"].class_name == "program.Lambda"


def test_a_flipped_bit_in_the_weights_of_an_archive_is_found(tmp_path: Path) -> None:
    path = saved(tmp_path, lambda config: None)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("model.weights.h5")
    content[member.header_offset + member.file_size - 200] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileRefusedError, match="cut off or damaged"):
        read_model(path)
