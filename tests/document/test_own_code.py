import json
import os

import pytest

from kbuilder.document import approvals
from kbuilder.document.catalogue import load_catalogue
from kbuilder.document.own_code import name_problems, own_specs, syntax_problem, teach
from kbuilder.resources import resource

CODE = '''
import keras
from keras import layers

print("this must never be run")
raise SystemExit

class Gate(layers.Layer):
    """Lets through what a second input allows.

    More about it.
    """
    def __init__(self, units: int, sharp=2.0, size=(3, 3), note=None, **kwargs):
        super().__init__(**kwargs)
    def call(self, inputs, gate, bias=None, training=None, mask=None):
        return inputs

class Wide(Gate):
    pass

class Sum(layers.Layer):
    def call(self, inputs: list):
        return sum(inputs)

class Tuned(keras.layers.Dense):
    pass

class Score(keras.metrics.Metric):
    def __init__(self, *, beta=1.0, name="score"):
        pass

def hinge_like(y_true, y_pred, margin=1.0):
    return margin

def helper(x):
    return x
'''


@pytest.fixture
def catalogue():
    return load_catalogue()


@pytest.fixture
def specs(catalogue):
    return {(spec.section, spec.class_name): spec for spec in own_specs(CODE, catalogue)}


def test_classes_and_functions_are_found_by_what_they_derive_from(specs):
    assert set(specs) == {
        ("layers", "Gate"),
        ("layers", "Wide"),
        ("layers", "Sum"),
        ("layers", "Tuned"),
        ("metrics", "Score"),
        ("losses", "hinge_like"),
        ("metrics", "hinge_like"),
    }


def test_parameters_are_those_of_the_signature(specs):
    gate = specs["layers", "Gate"]
    kinds = {param.name: (param.kinds[0], param.default, param.required) for param in gate.params}
    assert kinds == {
        "units": ("int", None, True),
        "sharp": ("float", 2.0, False),
        "size": ("value", [3, 3], False),
        "note": ("value", None, False),
    }
    assert gate.help == "Lets through what a second input allows."
    assert [param.name for param in specs["losses", "hinge_like"].params] == ["margin"]
    assert [param.name for param in specs["metrics", "Score"].params] == ["beta", "name"]


def test_ports_are_the_tensors_of_call(specs):
    gate = specs["layers", "Gate"]
    assert (gate.ports, gate.optional_ports) == (("inputs", "gate", "bias"), 1)
    assert specs["layers", "Sum"].many_inputs


def test_a_class_has_what_the_class_above_it_has(specs, catalogue):
    assert specs["layers", "Wide"].params == specs["layers", "Gate"].params
    assert specs["layers", "Wide"].ports == specs["layers", "Gate"].ports
    assert specs["layers", "Tuned"].params == catalogue.layer("Dense").params


def test_a_catalogue_knows_the_classes_of_one_code_at_a_time(catalogue):
    assert teach(catalogue, CODE)
    assert not teach(catalogue, CODE)
    assert catalogue.layer("Gate").own
    assert catalogue.listed("losses")[0].class_name == "hinge_like"
    assert teach(catalogue, "")
    assert catalogue.layer("Gate") is None


def test_code_that_is_not_python_names_the_line(catalogue):
    broken = "import keras\n\nclass Gate(keras.layers.Layer)\n    pass\n"
    fault = syntax_problem(broken)
    assert fault.line == 3
    assert "expected ':'" in fault.text
    assert own_specs(broken, catalogue) == ()


def test_a_name_that_keras_has_is_told(catalogue):
    (problem,) = name_problems("import keras\nclass Dense(keras.layers.Layer): pass\n", catalogue)
    assert problem.line == 2
    assert problem.kind == "own-code-name"
    assert "“Dense”" in problem.text
    teach(catalogue, "import keras\nclass Dense(keras.layers.Layer): pass\n")
    assert not catalogue.layer("Dense").own


@pytest.mark.parametrize("path", sorted(resource("examples").glob("*.py")), ids=lambda p: p.stem)
def test_each_example_has_a_class_or_function_to_choose(path, catalogue):
    assert own_specs(path.read_text(), catalogue)
    assert name_problems(path.read_text(), catalogue) == ()


def test_a_text_is_approved_and_not_a_project(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert approvals.is_approved("")
    assert not approvals.is_approved(CODE)
    approvals.approve(CODE)
    assert approvals.is_approved(CODE)
    assert not approvals.is_approved(CODE + "\n# changed")


def test_an_approval_of_someone_else_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "mallory"))
    approvals.approve(CODE)
    theirs = (tmp_path / "mallory" / "kbuilder" / "approved-code.json").read_bytes()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "alice"))
    approvals.approve("x = 1")
    mine = tmp_path / "alice" / "kbuilder" / "approved-code.json"
    mine.write_bytes(json.dumps(json.loads(mine.read_bytes()) + json.loads(theirs)).encode())
    assert approvals.is_approved("x = 1")
    assert not approvals.is_approved(CODE)


def test_the_secret_is_the_users_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    approvals.approve(CODE)
    secret = tmp_path / "kbuilder" / "approval-secret"
    assert os.stat(secret).st_mode & 0o077 == 0
    assert len(secret.read_bytes()) == approvals.SECRET_BYTES
