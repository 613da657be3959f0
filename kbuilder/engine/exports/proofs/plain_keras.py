"""Run as a script in a process of its own: load what was written with nothing but Keras.

Arguments: what the file is (``model``, ``weights``, ``json`` or ``python``), the file, and a folder
with ``inputs.npz`` (``0``, ``1``, ... in the model's order). Beside them may lie ``own_code.py``, the
own code that the model needs, ``model.json`` for weights alone, and ``legacy.py``, our layers for old
files. Answers in the folder: ``outputs.npz``, ``facts.json``, ``program.txt``.
"""

import json
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def main(how: str, file: str, folder: str) -> None:
    """Load the file and tell what it gives."""
    place = Path(folder)
    with keras.saving.custom_object_scope(own_objects(place)):
        outputs, facts = WAYS[how](Path(file), place)
    np.savez(place / "outputs.npz", **{str(n): as_plain(v) for n, v in enumerate(outputs)})
    if facts is not None:
        (place / "facts.json").write_text(json.dumps(facts, default=repr), encoding="utf-8")
    (place / "program.txt").write_text(f"keras {keras.__version__}", encoding="utf-8")


def own_objects(folder: Path) -> dict[str, Any]:
    """Classes and functions of the own code, by name. Our layers for old files register themselves."""
    if (folder / "legacy.py").exists():
        run(folder / "legacy.py", "legacy")
    if not (folder / "own_code.py").exists():
        return {}
    module = run(folder / "own_code.py", "own_code")
    return {
        name: value
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == "own_code"
    }


def run(path: Path, name: str) -> ModuleType:
    """A Python file as the module of that name."""
    loader = SourceFileLoader(name, str(path))
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = str(path)
    loader.exec_module(module)
    return module


def load_model(file: Path, folder: Path) -> tuple[list[Any], Any]:
    """A whole model: its predictions."""
    return predictions(keras.models.load_model(file), folder), None


def load_weights(file: Path, folder: Path) -> tuple[list[Any], Any]:
    """Weights alone, into the model that is described beside them: its predictions."""
    model = keras.models.model_from_json((folder / "model.json").read_text(encoding="utf-8"))
    model.load_weights(file)
    return predictions(model, folder), None


def load_json(file: Path, folder: Path) -> tuple[list[Any], Any]:
    """A description: the configuration of the model that it gives."""
    model = keras.models.model_from_json(file.read_text(encoding="utf-8"))
    return [], {"config": model.get_config()}


def run_script(file: Path, folder: Path) -> tuple[list[Any], Any]:
    """A script: the weights of the model it builds and the first samples it reads, and how it compiles."""
    sys.argv = [str(file)]
    module = run(file, "own_code")
    model = module.build_model()
    facts = {"config": model.get_config(), "weights": len(model.get_weights()), "compile": None}
    if hasattr(module, "compile_model"):
        module.compile_model(model)
        facts["compile"] = model.get_compile_config()
    samples = []
    if hasattr(module, "load_data"):
        rows = int((folder / "rows.txt").read_text(encoding="utf-8"))
        samples = [np.asarray(array)[:rows] for array in keras.tree.flatten(module.load_data()[0])]
    return [*model.get_weights(), *samples], facts


def predictions(model: keras.Model, folder: Path) -> list[Any]:
    """Outputs in a row for the samples in the folder."""
    with np.load(folder / "inputs.npz") as inputs:
        arrays = [inputs[str(number)] for number in range(len(inputs.files))]
    fed = [tf.constant(array) if array.dtype.kind in "SU" else array for array in arrays]
    outputs = model.predict_on_batch(fed[0] if len(fed) == 1 else fed)
    return list(keras.tree.flatten(outputs))


def as_plain(values: Any) -> Any:
    """Values in a dtype that NumPy can store."""
    array = np.asarray(values)
    if array.dtype.kind == "O":
        return array.astype("S")
    return (
        array.astype(np.float32) if array.dtype.kind == "V" or array.dtype.isbuiltin == 2 else array
    )


WAYS = {"model": load_model, "weights": load_weights, "json": load_json, "python": run_script}

if __name__ == "__main__":
    main(*sys.argv[1:])
