"""Run as a script in a process of its own: load a .tflite file with the LiteRT interpreter and predict.

Arguments: the file, and a folder with ``inputs.npz`` and ``names.json`` that takes the answers.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main(file: str, folder: str) -> None:
    """Predict, inputs and outputs by name."""
    place = Path(folder)
    names = json.loads((place / "names.json").read_bytes())
    runner = Interpreter(model_path=file).get_signature_runner()
    with np.load(place / "inputs.npz") as inputs:
        fed = {name: inputs[str(number)] for number, name in enumerate(names["inputs"])}
    outputs = runner(**fed)
    found = {str(n): outputs[name] for n, name in enumerate(names["outputs"])}
    np.savez(place / "outputs.npz", **found)
    (place / "program.txt").write_text(f"LiteRT {version('ai-edge-litert')}", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
