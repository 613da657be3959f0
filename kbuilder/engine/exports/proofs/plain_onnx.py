"""Run as a script in a process of its own: load an ONNX file with ONNX Runtime and predict.

Arguments: the file, and a folder with ``inputs.npz`` and ``names.json`` that takes the answers.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime


def main(file: str, folder: str) -> None:
    """Predict, inputs and outputs by name. An input that the file does not use is not fed."""
    place = Path(folder)
    names = json.loads((place / "names.json").read_bytes())
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    taken = {each.name for each in session.get_inputs()}
    with np.load(place / "inputs.npz") as inputs:
        fed = {name: inputs[str(n)] for n, name in enumerate(names["inputs"]) if name in taken}
    outputs = session.run(names["outputs"], fed)
    plain = [each.astype("S") if each.dtype.kind == "O" else each for each in outputs]
    np.savez(place / "outputs.npz", **{str(n): values for n, values in enumerate(plain)})
    (place / "program.txt").write_text(f"onnxruntime {onnxruntime.__version__}", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
