"""Every template opens, infers without a problem, and builds."""

import numpy as np
import pytest

from kbuilder.document import edits
from kbuilder.document.fragment import attach, place
from kbuilder.document.project import Project
from kbuilder.document.rules import check
from kbuilder.document.templates import load_templates
from kbuilder.engine.build import build
from kbuilder.engine.infer import Inference
from tests.engine.conftest import make_node

TEMPLATES = {template.name: template for template in load_templates()}


def opened(name: str) -> Project:
    """The template in an empty project; a block behind an input that it can take."""
    template = TEMPLATES[name]
    if template.kind == "model":
        return place(Project(), template.fragment(), (0.0, 0.0)).project
    source = make_node("Input", "source", shape=list(template.shape))
    project = edits.add_node(Project(), source)
    return attach(project, template.fragment(), (source.id, 0), (0.0, 100.0)).project


def test_what_users_know_is_there():
    assert {
        "mlp", "lenet", "vgg_block", "residual_block", "inception_block", "squeeze_excite", "u_net",
        "autoencoder", "vae_encoder", "vae_decoder", "lstm_text", "transformer_encoder",
        "two_towers", "gan_generator", "gan_discriminator",
    } <= set(TEMPLATES)  # fmt: skip


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_opens_infers_and_builds(name, catalogue):
    project = opened(name)
    graph = project.graph
    structure = [p for p in check(project, catalogue) if p.parameter != "loss"]
    facts, problems = Inference(catalogue).infer(graph)
    assert [*structure, *problems] == []
    assert set(facts) == set(graph.by_id)
    model = build(project, catalogue).model
    counted = sum(fact.trainable_params + fact.fixed_params for fact in facts.values())
    assert counted == model.count_params() > 0
    batch = [
        np.zeros((2, *tensor.shape[1:]), tensor.dtype if "int" in tensor.dtype else "float32")
        for tensor in model.inputs
    ]
    outputs = model.predict_on_batch(batch if len(batch) > 1 else batch[0])
    for output in outputs if isinstance(outputs, list) else [outputs]:
        assert np.isfinite(output).all()


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_box_lies_on_another(name):
    places = [(node.x, node.y) for node in opened(name).graph.nodes]
    for number, (x, y) in enumerate(places):
        for other_x, other_y in places[:number]:
            assert abs(x - other_x) >= 184 or abs(y - other_y) >= 54


def test_the_noise_of_the_vae_is_only_there_in_training(catalogue):
    project = opened("vae_encoder")
    model = build(project, catalogue).model
    image = np.random.default_rng(0).random((4, 28, 28, 1), "float32")
    mean, _, code = model(image, training=False)
    np.testing.assert_allclose(mean, code, rtol=1e-6)
    _, _, one = model(image, training=True)
    _, _, two = model(image, training=True)
    assert np.abs(np.asarray(one) - np.asarray(two)).max() > 0
