"""What Keras 2 had and Keras 3 has not: made again so that such models compute what they did.

All are registered with Keras under ``kbuilder``, save and load like any other, and need no trust.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("kbuilder")  # type: ignore[untyped-decorator]
def legacy_hard_sigmoid(x: Any) -> Any:
    """``clip(0.2 x + 0.5, 0, 1)``, which Keras 2 called hard_sigmoid; that of Keras 3 is another one."""
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


class _LocallyConnected(keras.layers.Layer):  # type: ignore[misc]
    """A convolution with weights of its own at each place."""

    rank = 0

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, ...],
        strides: int | tuple[int, ...] = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = filters
        self.kernel_size = _each(kernel_size, self.rank)
        self.strides = _each(strides, self.rank)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)

    def _places(self, shape: tuple[int | None, ...]) -> tuple[int, ...]:
        """How many places there are in each dimension."""
        inside = shape[1:-1]
        if any(size is None for size in inside):
            raise ValueError(
                f"{type(self).__name__} needs the size of every dimension: it has weights for each place. "
                f"Received input shape {shape}."
            )
        sizes = zip(inside, self.kernel_size, self.strides, strict=True)
        return tuple((size - kernel) // stride + 1 for size, kernel, stride in sizes if size)

    def build(self, input_shape: Any) -> None:
        """Make the weights: ``(places, inputs of a place, filters)``."""
        places = self._places(input_shape)
        count, window = 1, int(input_shape[-1])
        for place, kernel in zip(places, self.kernel_size, strict=True):
            count, window = count * place, window * kernel
        self.kernel = self.add_weight(
            name="kernel",
            shape=(count, window, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(*places, self.filters),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _windows(self, inputs: Any) -> Any:
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        """Each window times the weights of its place."""
        places = self._places(inputs.shape)
        windows = self._windows(inputs)
        found = ops.einsum("bnk,nkf->bnf", windows, self.kernel)
        found = ops.reshape(found, (-1, *places, self.filters))
        if self.use_bias:
            found = found + self.bias
        return self.activation(found)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Shape of the output."""
        return (input_shape[0], *self._places(input_shape), self.filters)

    def get_config(self) -> dict[str, Any]:
        """All arguments of the constructor."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": keras.regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "bias_constraint": keras.constraints.serialize(self.bias_constraint),
        }


@keras.saving.register_keras_serializable("kbuilder")
class LocallyConnected1D(_LocallyConnected):
    """A 1D convolution with weights of its own at each place, as Keras 2 had it.

    Args:
        filters: Number of outputs at each place.
        kernel_size: Length of the window.
        strides: Distance from one window to the next.
    """

    rank = 1

    def _windows(self, inputs: Any) -> Any:
        (length,), (stride,), (count,) = self.kernel_size, self.strides, self._places(inputs.shape)
        parts = [
            ops.reshape(
                inputs[:, at * stride : at * stride + length], (-1, 1, length * inputs.shape[-1])
            )
            for at in range(count)
        ]
        return ops.concatenate(parts, axis=1)


@keras.saving.register_keras_serializable("kbuilder")
class LocallyConnected2D(_LocallyConnected):
    """A 2D convolution with weights of its own at each place, as Keras 2 had it.

    Args:
        filters: Number of outputs at each place.
        kernel_size: Height and width of the window.
        strides: Distance from one window to the next.
    """

    rank = 2

    def _windows(self, inputs: Any) -> Any:
        found = ops.image.extract_patches(inputs, self.kernel_size, self.strides, padding="valid")
        rows, columns = self._places(inputs.shape)
        window = self.kernel_size[0] * self.kernel_size[1] * inputs.shape[-1]
        return ops.reshape(found, (-1, rows * columns, window))


@keras.saving.register_keras_serializable("kbuilder")
class LegacyNadam(keras.optimizers.Nadam):  # type: ignore[misc]
    """Nadam as Keras 2 had it: the momentum's schedule is slower by ``schedule_decay``.

    Args:
        schedule_decay: How fast the momentum grows to ``beta_1``.
    """

    def __init__(
        self,
        learning_rate: float = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        schedule_decay: float = 0.004,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str = "legacy_nadam",
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
        )
        self.schedule_decay = schedule_decay

    def _momentum(self, step: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * ops.power(0.96, step * self.schedule_decay))

    def _backend_update_step(
        self, grads: Any, trainable_variables: Any, learning_rate: Any
    ) -> None:
        dtype = self._u_product.dtype
        step = ops.cast(self.iterations + 1, dtype)
        self.assign(self._u_product, self._u_product * self._momentum(step))
        # Past Nadam's own, which would multiply by the schedule of Keras 3.
        super(keras.optimizers.Nadam, self)._backend_update_step(
            grads, trainable_variables, learning_rate
        )

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        dtype = variable.dtype
        rate, gradient = ops.cast(learning_rate, dtype), ops.cast(gradient, dtype)
        step = ops.cast(self.iterations + 1, dtype)
        now, following = self._momentum(step), self._momentum(step + 1)
        product = ops.cast(self._u_product, dtype)
        place = self._get_variable_index(variable)
        first, second = self._momentums[place], self._velocities[place]
        self.assign(first, self.beta_1 * first + (1.0 - self.beta_1) * gradient)
        self.assign(second, self.beta_2 * second + (1.0 - self.beta_2) * ops.square(gradient))
        ahead = now_part(gradient, now, product) + following * first / (1.0 - product * following)
        spread = second / (1.0 - ops.power(ops.cast(self.beta_2, dtype), step))
        self.assign_sub(variable, rate * ahead / (ops.sqrt(spread) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """All arguments of the constructor."""
        return {**super().get_config(), "schedule_decay": self.schedule_decay}


def now_part(gradient: Any, momentum: Any, product: Any) -> Any:
    """What the gradient of this step gives."""
    return (1.0 - momentum) * gradient / (1.0 - product)


def _each(value: int | tuple[int, ...], count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)
