import keras
import numpy as np
import pytest

from kbuilder.document.graph import Edge, Graph
from kbuilder.document.options import CompileOptions, FitOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.values import KerasObject
from kbuilder.engine.build import build
from kbuilder.engine.build_error import BuildError
from kbuilder.engine.compiling import compile_model
from tests.engine.conftest import loss, make_graph, make_node


def problems_of(project, catalogue):
    with pytest.raises(BuildError) as caught:
        compile_model(build(project, catalogue), project, catalogue)
    return caught.value.problems


def test_weights_are_those_of_a_plain_script_with_the_same_seed(classifier, catalogue):
    ours = build(classifier, catalogue).model
    keras.utils.set_random_seed(7)
    points = keras.Input((8,))
    x = keras.layers.Dense(12, activation="relu")(points)
    x = keras.layers.Dropout(0.3)(x)
    x = keras.layers.Dense(6, activation="tanh")(x)
    plain = keras.Model(points, keras.layers.Dense(3, activation="softmax")(x))
    for one, other in zip(ours.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_layers_carry_the_names_parameters_and_freezing_of_their_nodes(classifier, catalogue):
    built = build(classifier, catalogue)
    assert [layer.name for layer in built.model.layers] == [
        "points",
        "fixed",
        "drop",
        "hidden",
        "label",
    ]
    assert built.layers["#hidden"].units == 6
    assert not built.layers["#fixed"].trainable
    assert len(built.model.trainable_variables) == 4


def test_nested_objects_become_keras_objects(catalogue):
    lstm = {"class_name": "LSTM", "params": {"units": 4}}
    l2 = {"class_name": "L2", "params": {"l2": 0.25}}
    ones = {"class_name": "Ones"}
    graph = make_graph(
        make_node("Input", "in", shape=[5, 2]),
        make_node("Bidirectional", "both", layer=lstm),
        make_node("Dense", "out", units=1, kernel_regularizer=l2, kernel_initializer=ones),
    )
    built = build(Project(graph=graph), catalogue)
    assert built.model.output_shape == (None, 1)
    assert built.layers["#both"].forward_layer.units == 4
    assert float(built.layers["#out"].kernel_regularizer.l2) == 0.25
    np.testing.assert_array_equal(built.layers["#out"].kernel, np.ones((8, 1)))


@pytest.mark.parametrize(
    ("class_name", "params"),
    [("MultiHeadAttention", {"num_heads": 2, "key_dim": 4}), ("Attention", {})],
)
def test_layers_with_named_ports_get_their_inputs_by_port(catalogue, class_name, params):
    # The wires are drawn in the wrong order on purpose: the port decides.
    graph = make_graph(
        make_node("Input", "query", shape=[3, 6]),
        make_node("Input", "value", shape=[5, 6]),
        make_node(class_name, "attend", **params),
        wires="value>attend:1 query>attend:0",
    )
    built = build(Project(graph=graph), catalogue)
    assert built.model.output_shape == (None, 3, 6)


def test_branches_join_in_the_order_of_the_ports(catalogue):
    graph = make_graph(
        make_node("Input", "a", shape=[2]),
        make_node("Input", "b", shape=[3]),
        make_node("Concatenate", "join"),
        wires="b>join:1 a>join:0",
    )
    model = build(Project(graph=graph), catalogue).model
    assert model.predict_on_batch([np.zeros((1, 2)), np.ones((1, 3))]).tolist() == [[0, 0, 1, 1, 1]]


def test_thousand_layers_do_not_hit_the_recursion_limit(catalogue):
    nodes = [make_node("Activation", f"a{i}", activation="relu") for i in range(1000)]
    graph = make_graph(make_node("Input", "in", shape=[2]), *nodes)
    assert len(build(Project(graph=graph), catalogue).model.layers) == 1001


def test_keras_errors_name_the_node_and_the_parameter(catalogue):
    graph = make_graph(
        make_node("Input", "in", shape=[4]),
        make_node("Reshape", "reshape", target_shape=[3, 3]),
        make_node("Dense", "behind", units=1),
    )
    (problem,) = problems_of(Project(graph=graph), catalogue)
    assert problem.node == "#reshape"
    assert problem.parameter == "target_shape"
    assert "“reshape”" in problem.text
    assert "\n" not in problem.text


def test_an_unfit_rank_is_said_with_expected_found_and_remedy(catalogue):
    graph = make_graph(
        make_node("Input", "in", shape=[64]),
        make_node("Conv2D", "conv", filters=4, kernel_size=[3, 3]),
    )
    (problem,) = problems_of(Project(graph=graph), catalogue)
    assert problem.node == "#conv"
    assert "4 dimensions" in problem.text
    assert "(None, 64)" in problem.text
    assert "Reshape" in problem.text


def test_structure_is_checked_first(catalogue):
    graph = make_graph(make_node("Input", "in", shape=[4]), make_node("Dense", "d", units=2))
    cyclic = Graph(nodes=graph.nodes, edges=(*graph.edges, Edge(source="#d", target="#d")))
    texts = [problem.text for problem in problems_of(Project(graph=cyclic), catalogue)]
    assert any("circle" in text for text in texts)
    assert "empty" in problems_of(Project(), catalogue)[0].text


def test_layers_that_run_foreign_code_are_not_built(catalogue):
    graph = make_graph(
        make_node("Input", "in", shape=[4]),
        make_node("TFSMLayer", "foreign", filepath="/tmp/saved"),
    )
    (problem,) = problems_of(Project(graph=graph), catalogue)
    assert problem.node == "#foreign"
    assert "runs code" in problem.text


def test_no_loss_at_all_is_a_problem_of_the_output(classifier, catalogue):
    unjudged = Project(graph=classifier.graph)
    (problem,) = problems_of(unjudged, catalogue)
    assert (problem.node, problem.parameter) == ("#label", "loss")


def test_a_bad_optimizer_parameter_is_named(classifier, catalogue):
    wrong = CompileOptions(
        optimizer=KerasObject(class_name="Adam", params={"clipnorm": 1.0, "clipvalue": 1.0}),
        outputs=classifier.compile.outputs,
    )
    (problem,) = problems_of(Project(graph=classifier.graph, compile=wrong), catalogue)
    assert problem.parameter in ("clipnorm", "clipvalue")
    assert "Adam" in problem.text


def test_compile_makes_objects_and_stable_metric_names_for_each_output(catalogue):
    graph = make_graph(
        make_node("Input", "in", shape=[4]),
        make_node("Dense", "one", units=1, activation="sigmoid"),
        make_node("Dense", "two", units=2),
        wires="in>one in>two",
    )
    schedule = {"class_name": "ExponentialDecay"} | {
        "params": {"initial_learning_rate": 0.5, "decay_steps": 10, "decay_rate": 0.5}
    }
    options = CompileOptions(
        optimizer=KerasObject(class_name="SGD", params={"learning_rate": schedule}),
        outputs={
            "#one": loss("BinaryCrossentropy", "AUC", "AUC", weight=0.5),
            "#two": OutputOptions(loss=KerasObject(class_name="MeanSquaredError")),
        },
    )
    project = Project(graph=graph, compile=options, fit=FitOptions(seed=1))
    for _ in range(2):  # the second model must not be told auc_1 by Keras's counters
        built = build(project, catalogue)
        compile_model(built, project, catalogue)
        x = np.zeros((4, 4), "float32")
        logs = built.model.evaluate(
            x, [np.zeros((4, 1)), np.ones((4, 2))], verbose=0, return_dict=True
        )
        assert {"loss", "one_loss", "two_loss", "one_auc", "one_auc_1"} == set(logs)
        assert logs["loss"] == pytest.approx(0.5 * logs["one_loss"] + logs["two_loss"])
    assert float(built.model.optimizer._learning_rate(10)) == pytest.approx(0.25)


def test_an_output_without_loss_is_not_trained_but_the_other_is(catalogue):
    graph = make_graph(
        make_node("Input", "in", shape=[4]),
        make_node("Dense", "one", units=1),
        make_node("Dense", "two", units=2),
        wires="in>one in>two",
    )
    options = CompileOptions(outputs={"#two": loss("MeanSquaredError")})
    project = Project(graph=graph, compile=options)
    built = build(project, catalogue)
    compile_model(built, project, catalogue)
    assert built.model.loss[0] is None
    assert isinstance(built.model.loss[1], keras.losses.MeanSquaredError)
