"""kbuilder: design, train and understand Keras models without writing code."""

__version__ = "0.1.0"
