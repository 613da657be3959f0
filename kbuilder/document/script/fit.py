"""How a script fits its model: the arguments of ``fit``, weights of samples, batches of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from kbuilder.document.fit_rules import BALANCED
from kbuilder.document.graph import Node
from kbuilder.document.options import FitOptions, OutputOptions
from kbuilder.document.project import Project
from kbuilder.document.script.code import Expression, Listed, Raw, call, sequence, statement, value
from kbuilder.document.script.objects import Objects
from kbuilder.document.script.steering import Steered, SteeringWriter

_PART = '''
def part(arrays, start, end):
    """The samples from start to end, of one array or of several."""
    if isinstance(arrays, list):
        return [part(array, start, end) for array in arrays]
    return None if arrays is None else arrays[start:end]
'''
_CLASS_WEIGHTS = '''
def by_class(classes, weights=None):
    """The weight of each sample by its class; by default all classes count the same."""
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    classes = classes.astype(int)
    if weights is None:
        numbers, counts = np.unique(classes, return_counts=True)
        weights = dict(zip(numbers, classes.size / (len(numbers) * counts)))
    table = np.ones(max(classes.max(), *weights) + 1, "float32")
    for number, weight in weights.items():
        table[number] = weight
    return table[classes]
'''
_BATCHES = '''
class Batches(keras.utils.PyDataset):
    """Batches of training samples{what}."""

    def __init__(self, x, y, weights=None):
        super().__init__()
        self.data = (x, y) if weights is None else (x, y, weights)
        self.samples = len(x[0] if isinstance(x, list) else x)
        self.epoch = -1
        self.rows = np.arange(self.samples)

    def __len__(self):
        return -(-self.samples // BATCH_SIZE)

    def on_epoch_begin(self):
        self.epoch += 1
{order}
    def __getitem__(self, number):
        rows = self.rows[number * BATCH_SIZE : (number + 1) * BATCH_SIZE]
        x, *others = [self.pick(each, rows) for each in self.data]
{augment}        return x, *others

    def pick(self, arrays, rows):
        if isinstance(arrays, list):
            return tuple(self.pick(array, rows) for array in arrays)
        return None if arrays is None else arrays[rows]
'''
_AS_THEY_LIE = "        self.rows = np.arange(self.samples)\n"
_ORDERS = {
    True: "        mixed = np.random.default_rng((SEED, self.epoch))\n"
    "        self.rows = mixed.permutation(self.samples)\n",
    False: _AS_THEY_LIE,
    "batch": _AS_THEY_LIE
    + """        mixed = np.random.default_rng((SEED, self.epoch))
        for start in range(0, self.samples, BATCH_SIZE):
            mixed.shuffle(self.rows[start : start + BATCH_SIZE])
""",
    "batch order": _AS_THEY_LIE
    + """        full = self.samples // BATCH_SIZE * BATCH_SIZE
        batches = self.rows[:full].reshape(-1, BATCH_SIZE)
        mixed = np.random.default_rng((SEED, self.epoch)).permutation(batches)
        self.rows = np.append(mixed.reshape(-1), self.rows[full:])
""",
}
_SAME_NAME = (
    *("initial_epoch", "steps_per_epoch", "validation_steps", "validation_batch_size"),
    *("validation_freq", "verbose"),
)


def _of(nodes: Iterable[Node], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What is chosen for these nodes; the rest is kept for nodes that may come back."""
    return {node.id: chosen[node.id] for node in nodes if node.id in chosen}


class FitWriter:
    """Writes ``train`` for a project that has data, and what ``train`` needs."""

    def __init__(self, project: Project, objects: Objects, steered: Sequence[Steered] = ()) -> None:
        self._project = project
        self._steering = SteeringWriter(steered, project.graph)
        self._objects = objects
        self._inputs = project.graph.inputs
        self._outputs = outputs = project.graph.outputs
        self._fit = replace(
            project.fit,
            class_weights=_of(outputs, project.fit.class_weights),
            sample_weights=_of(outputs, project.fit.sample_weights),
        )
        self._layers = {
            node.id: [self._layer(each, number) for number, each in enumerate(chosen)]
            for node in self._inputs
            if (chosen := self._fit.augmentation.get(node.id))
        }
        self.callbacks: list[Expression] = [
            *(objects.made("callbacks", e.class_name, e.params) for e in self._fit.callbacks),
            *self._steering.callbacks,
        ]

    @property
    def weighs(self) -> bool:
        """Whether samples have weights that the script computes."""
        fit = self._fit
        return bool(fit.sample_weights) or (bool(fit.class_weights) and not self._plain_classes)

    @property
    def _plain_classes(self) -> bool:
        """Whether ``class_weight`` of Keras says it: by hand, and a single output."""
        weights = [*self._fit.class_weights.values()]
        return len(self._outputs) == 1 and not any(isinstance(each, str) for each in weights)

    @property
    def _makes_batches(self) -> bool:
        return bool(self._layers) or self._fit.shuffle == "batch order"

    @property
    def _splits(self) -> bool:
        """Whether the script itself keeps the last samples out."""
        own = bool(self._fit.validation_data.kind)
        return bool(self._fit.validation_split) and not own and (self.weighs or self._makes_batches)

    def constants(self) -> list[str]:
        """The size of batches, where the script makes them itself, and what was steered."""
        size = [f"BATCH_SIZE = {self._fit.batch_size}"] if self._makes_batches else []
        return [*size, *self._steering.constants()]

    def sections(self, validates: bool) -> list[list[str]]:
        """Functions and classes, the last of them ``train``; ``validates``: ``load_data`` can read more."""
        found = [_PART] if self._splits else []
        if self._fit.class_weights and self.weighs:
            found.append(_CLASS_WEIGHTS)
        if self._makes_batches:
            augment = "".join(self._augmenting())
            what = ", changed at random" if augment else ""
            order = _ORDERS[self._fit.shuffle]
            found.append(_BATCHES.format(what=what, order=order, augment=augment))
        sections = [each.strip("\n").splitlines() for each in found]
        return [*sections, self._steering.section(), self._train(validates)]

    def _train(self, validates: bool) -> list[str]:
        fit = self._fit
        loaded = "x, y, weights" if fit.sample_weights else "x, y"
        lines = [f"    {loaded} = load_data()"]
        named: dict[str, Expression] = {}
        if self._splits:
            count = "len(x[0])" if len(self._inputs) > 1 else "len(x)"
            lines.append(f"    at = int({count} * (1.0 - {fit.validation_split}))")
            kept = [f"part({each}, at, None)" for each in loaded.split(", ")]
            lines += statement(sequence(map(Raw, kept), "()"), "held_out = ")
            lines += [f"    {each} = part({each}, 0, at)" for each in loaded.split(", ")]
            named["validation_data"] = Raw("held_out")
        elif validates:
            named["validation_data"] = Raw("load_data(VALIDATION)")
        elif fit.validation_split and not fit.validation_data.kind:
            named["validation_split"] = value(fit.validation_split)
        if self.weighs and fit.class_weights:
            lines += statement(self._weights(), "weights = ")
        lines += self._notes(validates)
        return [
            "def train(model):",
            '    """Fit the model to the data; returns the history."""',
            *lines,
            *statement(call("model.fit", *self._samples(), **self._arguments(named)), "return "),
        ]

    def _samples(self) -> list[Expression]:
        if not self._makes_batches:
            return [Raw("x"), Raw("y")]
        return [call("Batches", Raw("x"), Raw("y"), *([Raw("weights")] if self.weighs else []))]

    def _arguments(self, validation: dict[str, Expression]) -> dict[str, Expression]:
        fit, usual = self._fit, FitOptions()
        named: dict[str, Expression] = {}
        if not self._makes_batches:
            named["batch_size"] = value(fit.batch_size)
        named["epochs"] = value(self._steering.epochs or fit.epochs)
        named |= validation
        if self._makes_batches:
            named["shuffle"] = value(False)
        elif fit.shuffle is not True:
            named["shuffle"] = value(fit.shuffle)
        for name in _SAME_NAME:
            if getattr(fit, name) != getattr(usual, name):
                named[name] = value(getattr(fit, name))
        if self._makes_batches and validation and not fit.validation_batch_size:
            named["validation_batch_size"] = value(fit.batch_size)
        if self.weighs and not self._makes_batches:
            named["sample_weight"] = Raw("weights")
        elif fit.class_weights and not self.weighs:
            (weights,) = fit.class_weights.values()
            named["class_weight"] = value(weights)
        if self.callbacks:
            named["callbacks"] = sequence(self.callbacks)
        return named

    def _weights(self) -> Expression:
        weights = [self._weight(number, node) for number, node in enumerate(self._outputs)]
        return weights[0] if len(weights) == 1 else Listed("[]", tuple(weights))

    def _weight(self, number: int, node: Node) -> Expression:
        """What weighs the samples of one output."""
        fit, several = self._fit, len(self._outputs) > 1
        target = f"y[{number}]" if several else "y"
        given = f"weights[{number}]" if several else "weights"
        chosen = fit.class_weights.get(node.id)
        if chosen is None:
            return Raw(given if fit.sample_weights else f"np.ones(len({target}))")
        loss = self._project.compile.outputs.get(node.id, OutputOptions()).loss
        vectors = loss is not None and loss.class_name.startswith("Categorical")
        classes = Raw(f"{target}.argmax(-1)" if vectors else target)
        found: Expression = call(
            "by_class", classes, *([] if chosen == BALANCED else [value(chosen)])
        )
        if node.id not in fit.sample_weights:
            return found
        return call("np.multiply", found, Raw(given))

    def _notes(self, validates: bool) -> list[str]:
        fit = self._fit
        notes = self._steering.notes()
        if fit.validation_data.kind and not validates:
            notes.append("The validation data is of another kind and left out here.")
        if fit.weighting != FitOptions().weighting:
            notes.append("Weights of 0 count as in Keras 3 here, not as in Keras 2.")
        return [f"    # {note}" for note in notes]

    def _layer(self, wanted: Any, number: int) -> Expression:
        params = dict(wanted.params)
        if params.get("seed") is None:
            params["seed"] = self._fit.seed + number
        return self._objects.made("layers", wanted.class_name, params)

    def _augmenting(self) -> list[str]:
        lines = []
        for number, node in enumerate(self._inputs):
            if node.id not in self._layers:
                continue
            name = f"AUGMENT_{number}"
            if len(self._inputs) == 1:
                lines += [
                    f"        for layer in {name}:\n",
                    "            x = layer(x, training=self.epoch >= 0)\n",
                ]
            else:
                lines += [
                    "        x = list(x)\n",
                    f"        for layer in {name}:\n",
                    f"            x[{number}] = layer(x[{number}], training=self.epoch >= 0)\n",
                    "        x = tuple(x)\n",
                ]
        return lines

    def augmentation(self) -> list[str]:
        """The layers that training batches pass through."""
        return [
            line
            for number, node in enumerate(self._inputs)
            if node.id in self._layers
            for line in statement(sequence(self._layers[node.id]), f"AUGMENT_{number} = ", depth=0)
        ]
