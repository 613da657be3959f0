"""How a script reads its data: NumPy arrays, a table, or pictures in folders, without kbuilder."""

from __future__ import annotations

from collections.abc import Sequence

from kbuilder.document.graph import Node
from kbuilder.document.script.code import (
    Expression,
    Names,
    Raw,
    call,
    quoted,
    sequence,
    statement,
    value,
)
from kbuilder.document.script.place import DataPlace

TEXT = "text"
"""The dtype of a field of classes that are given by their names."""

_TABLE = r'''

def read_table(path):
    """The columns of a table by name, as texts."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        delimiter = max(",;\t", key=file.readline().count)
        file.seek(0)
        rows = [row for row in csv.reader(file, delimiter=delimiter) if row]
    names = {names}
    table = {{}}
    for name, column in zip(names, zip(*rows{skipped})):
        table[name] = [cell.strip() for cell in column]
    return table
'''
_HEADER, _NO_HEADER = (
    "[name.strip() for name in rows[0]]",
    '[f"column {number + 1}" for number in range(len(rows[0]))]',
)
_PICTURES = '''

def read_pictures(folder):
    """Pictures of one size, and the number of the subfolder that each lies in."""
    pictures, labels, code = [], [], 0
    for subfolder in sorted(each for each in folder.iterdir() if each.is_dir()):
        files = [f for f in sorted(subfolder.iterdir()) if f.suffix.lower() in ENDINGS]
        for file in files:
            picture = keras.utils.load_img(
                file,
                color_mode={mode},
                target_size={size},
                interpolation="bilinear",
            )
            pictures.append(keras.utils.img_to_array(picture, dtype="uint8"))
            labels.append(code)
        code += bool(files)
    return np.stack(pictures), np.array(labels, "int32")
'''
_MODES = {1: "grayscale", 3: "rgb", 4: "rgba"}
_ENDINGS = ("png", "jpg", "jpeg", "gif", "bmp", "webp")


class DataWriter:
    """Writes ``load_data`` for a project whose fields are known by name."""

    def __init__(self, place: DataPlace) -> None:
        self._place = place
        self._project = place.project
        self._fields = place.fields
        self._path = place.path
        self._data = "data" if place.validation_path else "DATA"
        self._names = Names(
            ("DATA", "TARGETS", "csv", "file", "keras", "np", "path", "weights", self._data)
        )
        self._variables: dict[str, str] = {}
        self._lines: list[str] = []

    @property
    def is_table(self) -> bool:
        """Whether the data is a CSV file."""
        return self._project.data.kind == "table" or self._path.endswith(".csv")

    def constants(self) -> list[str]:
        """Where the data lies."""
        lines = statement(call("Path", value(self._path)), "DATA = ", depth=0)
        if targets := self._place.targets_path:
            lines += statement(call("Path", value(targets)), "TARGETS = ", depth=0)
        if path := self._place.validation_path:
            lines += statement(call("Path", value(path)), "VALIDATION = ", depth=0)
        if self._project.data.kind == "images":
            endings = sequence((value(f".{ending}") for ending in _ENDINGS), "()")
            lines += statement(endings, "ENDINGS = ", depth=0)
        return lines

    def functions(self) -> list[str]:
        """The functions that read the data, the last of them ``load_data``."""
        data, helper = self._project.data, ""
        if data.kind == "images":
            mode, size = quoted(_MODES.get(data.image_channels, "rgb")), repr(data.image_size)
            helper = _PICTURES.format(mode=mode, size=size)
        elif self.is_table:
            numbered = all(name.startswith("column ") for name in self._fields)
            names, skipped = (_NO_HEADER, "") if numbered else (_HEADER, "[1:]")
            helper = _TABLE.format(names=names, skipped=skipped)
        self._read_fields()
        inputs = [self._fed(node, data.inputs.get(node.id, ())) for node in self._inputs]
        targets = [self._stacked(data.targets.get(node.id, ())) for node in self._outputs]
        weights = self._weights()
        end = sequence(
            [_bare(inputs), _bare(targets), *([_bare(weights)] if weights else [])], "()"
        )
        parameter = "data=DATA" if self._place.validation_path else ""
        return [
            *helper.strip("\n").splitlines(),
            *(["", ""] if helper else []),
            f"def load_data({parameter}):",
            '    """The samples: what goes into the model, and what should come out."""',
            *self._lines,
            *_without_brackets(statement(end, "return ")),
        ]

    @property
    def _inputs(self) -> Sequence[Node]:
        return self._project.graph.inputs

    @property
    def _outputs(self) -> Sequence[Node]:
        return self._project.graph.outputs

    def _read_fields(self) -> None:
        data = self._project.data
        chosen = [data.inputs.get(n.id, ()) for n in self._inputs]
        chosen += [data.targets.get(n.id, ()) for n in self._outputs]
        chosen.append(tuple(self._project.fit.sample_weights.values()))
        used = list(dict.fromkeys(name for names in chosen for name in names))
        self._variables = {name: self._names.take(name) for name in used}
        if data.kind == "images":
            pair = [self._variables.get(name, "_") for name in ("image", "label")]
            self._lines.append(f"    {', '.join(pair)} = read_pictures({self._data})")
        elif self.is_table:
            table = self._names.take("table")
            self._lines.append(f"    {table} = read_table({self._data})")
            for name in used:
                self._add(self._column(table, name), self._variables[name])
        elif self._path.endswith(".npy"):
            for name in used:
                self._add(
                    Raw(f"np.load({'DATA' if name == 'x' else 'TARGETS'})"), self._variables[name]
                )
                self._number_classes(name)
        else:
            self._lines.append(f"    with np.load({self._data}) as file:")
            for name in used:
                read = Raw(f"file[{quoted(name)}]")
                self._lines += statement(read, f"{self._variables[name]} = ", depth=2)
            for name in used:
                self._number_classes(name)

    def _weights(self) -> list[Expression]:
        """The weights of the samples of each output, if a field weighs any."""
        chosen = self._project.fit.sample_weights
        variables = {node: Raw(self._variables[name]) for node, name in chosen.items()}
        if not variables:
            return []
        first = next(iter(variables.values()))
        ones = Raw(f"np.ones(len({first.text}))")
        return [variables.get(node.id, ones) for node in self._outputs]

    def _add(self, expression: Expression, variable: str) -> None:
        self._lines += statement(expression, f"{variable} = ")

    def _column(self, table: str, name: str) -> Expression:
        cells = Raw(f"{table}[{quoted(name)}]")
        field = self._fields.get(name)
        if field is not None and field.dtype == TEXT:
            return Raw(f"np.unique({cells.text}, return_inverse=True)[1]")
        whole = field is not None and field.dtype.startswith("int")
        return call("np.array", cells, value("int32" if whole else "float32"))

    def _number_classes(self, name: str) -> None:
        field = self._fields.get(name)
        if field is not None and field.dtype == TEXT:
            variable = self._variables[name]
            self._add(Raw(f"np.unique({variable}, return_inverse=True)[1]"), variable)

    def _fed(self, node: Node, names: Sequence[str]) -> Expression:
        """The fields of an input, in the shape that it wants."""
        found = self._stacked(names, codes=_takes_codes(node))
        shape, wanted = self._shape(names, _takes_codes(node)), node.params.get("shape") or ()
        ending = ""
        if len(shape) + 1 == len(wanted):
            ending = "[..., np.newaxis]"
        elif shape[-1:] == (1,) and len(shape) == len(wanted) + 1:
            ending = "[..., 0]"
        if not ending:
            return found
        variable = self._names.take(node.name)
        self._add(found, variable)
        return Raw(variable + ending)

    def _stacked(self, names: Sequence[str], codes: bool = True) -> Expression:
        """One field as it is; several on the last axis."""
        parts = [self._part(name, codes) for name in names]
        if len(parts) < 2:
            return parts[0] if parts else Raw("None")
        flat = all(not self._shape([name], codes) for name in names)
        if flat:
            return call("np.stack", sequence(parts), axis=value(-1))
        columns = [
            Raw(f"{part.text}[:, np.newaxis]") if not self._shape([name], codes) else part
            for name, part in zip(names, parts, strict=True)
        ]
        return call("np.concatenate", sequence(columns), axis=value(-1))

    def _part(self, name: str, codes: bool) -> Raw:
        field, variable = self._fields.get(name), self._variables[name]
        if field is None or field.dtype != TEXT or codes or field.shape:
            return Raw(variable)
        return Raw(f'np.eye({len(field.classes)}, dtype="float32")[{variable}]')

    def _shape(self, names: Sequence[str], codes: bool) -> tuple[int, ...]:
        """Shape of one sample of these fields together."""
        if not names:
            return ()
        field = self._fields.get(names[0])
        shape = field.shape if field is not None else ()
        if field is not None and field.dtype == TEXT and not codes and not shape:
            shape = (len(field.classes),)
        if len(names) == 1:
            return shape
        return (*shape[:-1], len(names)) if len(shape) < 2 else shape


def _takes_codes(node: Node) -> bool:
    return str(node.params.get("dtype", "")).startswith(("int", "uint"))


def _bare(parts: Sequence[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else sequence(parts)


def _without_brackets(lines: list[str]) -> list[str]:
    """``return (x, y)`` as ``return x, y``."""
    if len(lines) != 1:
        return lines
    head, _, rest = lines[0].partition("return (")
    return [f"{head}return {rest[:-1]}"]
