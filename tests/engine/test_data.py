"""Arrays, tables and samples as data for a graph, with real files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from kbuilder.document.errors import FileRefusedError, KBuilderError
from kbuilder.document.graph import Edge, Graph, Node
from kbuilder.document.options import DataOptions
from kbuilder.document.project_file import load as load_project
from kbuilder.engine import data_source
from kbuilder.engine.data import load, preview, sample_names
from kbuilder.resources import resource


def graph(
    inputs: dict[str, list[int | None]], outputs: tuple[str, ...] = ("out",), dtype: str = ""
) -> Graph:
    nodes = [
        Node(
            id=f"id-{name}",
            class_name="Input",
            name=name,
            params={"shape": shape} | ({"dtype": dtype} if dtype else {}),
        )
        for name, shape in inputs.items()
    ]
    nodes += [
        Node(id=f"id-{name}", class_name="Dense", name=name, params={"units": 1})
        for name in outputs
    ]
    first = nodes[0].id
    edges = [Edge(source=first, target=f"id-{name}") for name in outputs]
    return Graph(nodes=tuple(nodes), edges=tuple(edges))


def table(folder: Path, text: str, name: str = "t.csv") -> DataOptions:
    (folder / name).write_text(text, encoding="utf-8")
    return DataOptions(kind="table", path=name)


def arrays(folder: Path, **values: np.ndarray) -> DataOptions:
    np.savez(folder / "a.npz", **values)
    return DataOptions(kind="arrays", path="a.npz")


# --- arrays -------------------------------------------------------------------------------------


def test_npz_fields_are_found_by_name_and_get_a_channel(tmp_path: Path) -> None:
    x = np.arange(5 * 4 * 4, dtype=np.uint8).reshape(5, 4, 4)
    options = arrays(tmp_path, y=np.array([0, 1, 2, 1, 0]), x=x)
    found = load(options, graph({"in": [4, 4, 1]}), tmp_path)
    assert found.samples == 5
    np.testing.assert_array_equal(found.inputs["id-in"], x[..., None])
    assert found.targets["id-out"].tolist() == [0, 1, 2, 1, 0]
    assert found.classes == {"id-out": ("0", "1", "2")}


def test_fields_for_several_nodes_are_told_by_name(tmp_path: Path) -> None:
    options = arrays(tmp_path, left=np.ones((3, 2)), right=np.zeros((3, 4)), y=np.ones((3, 1)))
    found = load(options, graph({"right": [4], "left": [2]}), tmp_path)
    assert found.inputs["id-left"].sum() == 6
    assert found.inputs["id-left"].dtype == np.float32
    assert found.inputs["id-right"].shape == (3, 4)


def test_chosen_fields_are_stacked_on_the_last_axis(tmp_path: Path) -> None:
    options = arrays(tmp_path, a=np.full((2, 3, 1), 1.0), b=np.full((2, 3, 2), 2.0))
    chosen = DataOptions(kind="arrays", path=options.path, inputs={"id-in": ("b", "a")})
    found = load(chosen, graph({"in": [3, 3]}), tmp_path)
    assert found.inputs["id-in"][0, 0].tolist() == [2, 2, 1]
    assert found.targets == {}


def test_two_npy_files(tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3)))
    np.save(tmp_path / "out.npy", np.array(["cat", "ant"]))
    options = DataOptions(kind="arrays", path="in.npy", targets_path="out.npy")
    found = load(options, graph({"in": [3]}), tmp_path)
    assert found.inputs["id-in"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found.inputs["id-in"].dtype == np.dtype("int32")
    assert found.targets["id-out"].tolist() == [1, 0]
    assert found.classes["id-out"] == ("ant", "cat")


def test_shape_that_does_not_fit_names_both(tmp_path: Path) -> None:
    options = arrays(tmp_path, x=np.ones((3, 8, 8)), y=np.ones(3))
    with pytest.raises(KBuilderError, match=r"“in” has shape \(64\).* has \(8, 8\)"):
        load(options, graph({"in": [64]}), tmp_path)


def test_unequal_lengths_are_told(tmp_path: Path) -> None:
    options = arrays(tmp_path, x=np.ones((3, 2)), y=np.ones(4))
    with pytest.raises(KBuilderError, match=r"3 for “in”, 4 for “out”"):
        load(options, graph({"in": [2]}), tmp_path)


def test_fields_that_are_not_used_may_have_any_length(tmp_path: Path) -> None:
    ones = np.ones
    options = arrays(tmp_path, x_train=ones((4, 2)), y_train=ones(4), x_test=ones((1, 2)))
    assert load(options, graph({"in": [2]}), tmp_path).samples == 4
    assert any("x_test" in text for text in preview(options, graph({"in": [2]}), tmp_path).warnings)


def test_not_a_number_is_refused_with_its_sample(tmp_path: Path) -> None:
    x = np.ones((4, 2))
    x[2, 1] = np.nan
    with pytest.raises(FileRefusedError, match=r"field “x”, sample 2"):
        load(arrays(tmp_path, x=x, y=np.ones(4)), graph({"in": [2]}), tmp_path)


def test_unknown_choice_names_what_there_is(tmp_path: Path) -> None:
    options = arrays(tmp_path, x=np.ones((3, 2)))
    wrong = DataOptions(kind="arrays", path=options.path, inputs={"id-in": ("z",)})
    with pytest.raises(KBuilderError, match=r"“z”.*“x”"):
        load(wrong, graph({"in": [2]}), tmp_path)


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("/tmp/kbuilder-bomb"),))  # type: ignore[return-value]


def write_object_npz(path: Path) -> None:
    np.savez(path, x=np.array([Bomb()], dtype=object))


def write_cut_npz(path: Path) -> None:
    np.savez(path, x=np.random.default_rng(0).random((50, 50)))
    path.write_bytes(path.read_bytes()[:-300])


def write_damaged_npz(path: Path) -> None:
    np.savez_compressed(path, x=np.arange(5000), y=np.arange(5000))
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 0xFF
    path.write_bytes(bytes(content))


def write_shape_bomb(path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1125899906842624,), }"
    header += b" " * (117 - len(header)) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)


def write_lying_zip(path: Path) -> None:
    """Many members that claim more together than any machine has."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1125899906842624,), }\n"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", member)


def write_double_member(path: Path) -> None:
    np.savez(path, x=np.ones(3))
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        inner = archive.read("x.npy")
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x.npy", inner)


REFUSED_ARRAYS = [
    (write_object_npz, "Python objects"),
    (write_cut_npz, "cut off or damaged"),
    (write_damaged_npz, "damaged"),
    (write_shape_bomb, "cut off or damaged"),
    (write_lying_zip, "cut off or damaged"),
    (write_double_member, "two members of the same name"),
    (lambda path: path.write_bytes(b""), "is empty"),
    (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n123"), "is a PNG picture"),
    (lambda path: path.write_bytes(b"\x80\x04K\x01."), "is a Python pickle"),
    (lambda path: path.write_bytes(b"hello"), "is something else"),
    (lambda path: np.savez(path, x=np.float64(3)), "no samples"),
    (lambda path: np.savez(path, x=np.ones((0, 3))), "no samples"),
    (lambda path: np.savez(path, x=np.ones(3, complex)), "dtype complex128"),
    (lambda path: path.mkdir(), "is a folder"),
]


@pytest.mark.parametrize(("write", "reason"), REFUSED_ARRAYS, ids=[str(i) for i in range(14)])
def test_bad_array_files_are_refused_in_one_sentence(
    tmp_path: Path, write: object, reason: str
) -> None:
    path = tmp_path / "bad.npz"
    write(path)  # type: ignore[operator]
    with pytest.raises(FileRefusedError, match=reason) as refusal:
        load(DataOptions(kind="arrays", path="bad.npz"), graph({"in": [3]}), tmp_path)
    assert "bad.npz" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not Path("/tmp/kbuilder-bomb").exists()


def test_missing_file_and_missing_choice_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError, match=r"nowhere\.npz"):
        load(DataOptions(kind="arrays", path="nowhere.npz"), graph({"in": [3]}), tmp_path)
    with pytest.raises(KBuilderError, match="No data is chosen"):
        load(DataOptions(), graph({"in": [3]}), tmp_path)


def test_what_exceeds_the_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = arrays(tmp_path, x=np.ones((100, 100)), y=np.ones((100, 100)))
    monkeypatch.setattr(data_source, "SHARE_OF_FREE_MEMORY", 0.0)
    with pytest.raises(FileRefusedError, match=r"would take .* of memory"):
        load(options, graph({"in": [100]}), tmp_path)


# --- tables -------------------------------------------------------------------------------------


def test_last_column_is_the_target_and_text_becomes_codes(tmp_path: Path) -> None:
    options = table(tmp_path, "size,colour,kind\n1.5,red,b\n-2e1,blue,a\n3,red,b\n")
    found = load(options, graph({"in": [3]}), tmp_path)
    assert found.inputs["id-in"].tolist() == [[1.5, 0, 1], [-20, 1, 0], [3, 0, 1]]
    assert found.targets["id-out"].tolist() == [1, 0, 1]
    assert found.classes["id-out"] == ("a", "b")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_byte_order_mark_and_missing_header(tmp_path: Path, delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in (["1", "2", "0"], ["3", "4", "1"]))
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    found = load(DataOptions(kind="table", path="t.csv"), graph({"in": [2]}), tmp_path)
    assert found.inputs["id-in"].tolist() == [[1, 2], [3, 4]]
    assert found.targets["id-out"].tolist() == [0, 1]


def test_codes_go_to_an_input_of_whole_numbers(tmp_path: Path) -> None:
    options = table(tmp_path, "word,y\nb,1\na,0\nc,1\n")
    found = load(options, graph({"in": [1]}, dtype="int32"), tmp_path)
    assert found.inputs["id-in"].tolist() == [[1], [0], [2]]


def test_quoted_cells_with_commas_and_lines(tmp_path: Path) -> None:
    options = table(tmp_path, 'a,b\n1,"x, y"\n2,"x\ny"\n')
    assert load(options, graph({"in": [1]}), tmp_path).classes["id-out"] == ("x\ny", "x, y")


REFUSED_TABLES = [
    ("a,b\n1,2\n3\n", "row 3, has 1 cells"),
    ("a,b\n1,2\n3,4,5\n", "row 3, has 3 cells"),
    ("a,b\n1,2\n,4\n5,6\n", "row 3, column “a”, has no value"),
    ("a,b\n1,2\nnan,4\n5,6\n", "row 3, column “a”, has no value"),
    ("a,b\n1,2\nNA,4\n5,6\n", "row 3, column “a”, has no value"),
    ("a,b\n1,2\n2,4\n3,6\n4,8\n1_000,6\n", "row 6, column “a”, holds “1_000”"),
    ("a,b\n1,2\n2,4\n3,6\n4,8\n４,6\n", "row 6, column “a”, holds “４”"),
    ("a,b\n1e999,2\n2,3\n", "row 2, column “a”, holds a number too large"),
    ("a,b\nx,2\n,3\n", "row 3, column “a”, is empty"),
    ("a,a\n1,2\n", "two columns called “a”"),
    ("a,b\n", "no rows"),
    ("\n\n", "empty lines"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED_TABLES)
def test_bad_tables_name_row_and_column(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(KBuilderError, match=reason) as refusal:
        load(table(tmp_path, text), graph({"in": [1]}), tmp_path)
    assert "t.csv" in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n1234", "is a PNG picture"),
        (b"PK\x03\x04abcdef", "is a zip archive"),
        (b"a,b\n1,\x002\n", "zero bytes"),
        ("a,b\n1,é\n".encode("latin-1"), "UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "zero bytes"),
        (b"", "is empty"),
        (b'a,b\n1,"' + b"x" * 9_000_000 + b"\n", "larger than 1 MB|not a table"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(FileRefusedError, match=reason):
        load(DataOptions(kind="table", path="t.csv"), graph({"in": [1]}), tmp_path)


def test_bad_column_does_no_harm_when_it_is_left_out(tmp_path: Path) -> None:
    options = table(tmp_path, "a,b,c\n1,2,0\n,4,1\n3,4,1\n")
    chosen = DataOptions(kind="table", path=options.path, inputs={"id-in": ("b",)})
    assert load(chosen, graph({"in": [1]}), tmp_path).inputs["id-in"].tolist() == [[2], [4], [4]]
    shown = preview(options, graph({"in": [2]}), tmp_path)
    assert any("row 3, column “a”" in text for text in shown.warnings)


# --- preview ------------------------------------------------------------------------------------


def test_preview_of_a_table_tells_balance_constants_and_copies(tmp_path: Path) -> None:
    rows = ["1,7,yes"] * 9 + ["2,7,no"]
    options = table(tmp_path, "\n".join(["a,b,c", *rows]))
    shown = preview(options, graph({"in": [2]}), tmp_path)
    assert shown.samples == 10
    assert shown.inputs == {"id-in": ("a", "b")}
    assert shown.targets == {"id-out": ("c",)}
    assert shown.fields[2].classes == ("no", "yes")
    assert shown.fields[2].counts == (1, 9)
    assert (shown.fields[0].minimum, shown.fields[0].maximum) == (1, 2)
    assert shown.rows[9] == ("2", "7", "no")
    text = " ".join(shown.warnings)
    assert "9 samples of “yes”, 1 of “no”" in text
    assert "“b” is 7 in every sample" in text
    assert "8 samples are exact copies" in text


def test_preview_of_pictures_is_stretched_to_bytes(tmp_path: Path) -> None:
    x = np.zeros((30, 6, 6), np.float32)
    x[:, 2, 2] = 0.5
    shown = preview(arrays(tmp_path, x=x, y=np.arange(30) % 3), graph({"in": [6, 6, 1]}), tmp_path)
    assert shown.pictures is not None
    assert shown.pictures.dtype == "uint8"
    assert shown.pictures.shape == (24, 6, 6, 1)
    assert max(shown.pictures.data) == 255
    assert shown.picture_labels[:4] == ("0", "1", "2", "0")
    assert len(shown.rows) == 16


def test_labels_that_count_from_one_are_warned_of(tmp_path: Path) -> None:
    options = arrays(tmp_path, x=np.random.default_rng(0).random((6, 2)), y=np.array([1, 2] * 3))
    assert any(
        "class 0" in text for text in preview(options, graph({"in": [2]}), tmp_path).warnings
    )


# --- samples ------------------------------------------------------------------------------------


def test_bundled_data_have_their_licences() -> None:
    assert sample_names() == ("digits", "wine")
    for name in sample_names():
        assert "CC BY 4.0" in resource("data", f"{name}.LICENSE.txt").read_text()


@pytest.mark.parametrize(
    "path", sorted(resource("samples").glob("*.kbuilder")), ids=lambda p: p.stem
)
def test_sample_projects_get_data_for_every_node(path: Path) -> None:
    project = load_project(path)
    found = load(project.data, project.graph)
    assert set(found.inputs) == {node.id for node in project.graph.inputs}
    assert set(found.targets) == {node.id for node in project.graph.outputs}
    assert found.samples in (178, 1797)
    boxes = [(node.x, node.y) for node in project.graph.nodes]
    assert not [
        (a, b)
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if abs(a[0] - b[0]) < 184 and abs(a[1] - b[1]) < 54
    ]
