"""Which Keras wrote a file: the three families differ in what their words mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = re.compile(r"(\d+)\.(\d+)")
_FIRST_ONLY_IN_TENSORFLOW = (2, 4)
_NEW_OPTIMIZERS = (2, 11)


@dataclass(frozen=True)
class Origin:
    """The Keras of a file by its version, such as ``2.1.0``, ``2.2.4-tf`` or ``2.15.0``.

    Up to 2.3 Keras was a package of its own and ``tf.keras`` had a version that ends in ``-tf``; from 2.4 on
    there was only the one in TensorFlow.
    """

    version: str

    @property
    def numbers(self) -> tuple[int, int]:
        """The first two numbers of the version, zeros where there are none."""
        match = _NUMBERS.match(self.version)
        return (int(match[1]), int(match[2])) if match else (0, 0)

    @property
    def is_old(self) -> bool:
        """Whether it is not Keras 3."""
        return not self.version.startswith("3")

    @property
    def is_tensorflow(self) -> bool:
        """Whether it is the Keras in TensorFlow, or tf_keras, and not the package of its own."""
        return self.is_old and ("tf" in self.version or self.numbers >= _FIRST_ONLY_IN_TENSORFLOW)

    @property
    def has_new_optimizers(self) -> bool:
        """Whether optimizers are by default those that TensorFlow 2.11 brought."""
        return self.is_tensorflow and self.numbers >= _NEW_OPTIMIZERS

    @property
    def family(self) -> str:
        """In words."""
        if not self.is_old:
            return "Keras 3"
        if self.is_tensorflow:
            return "tf.keras 2"
        return "Keras 2 (a package of its own)" if self.numbers >= (2, 0) else "Keras 1 or unknown"
