"""A project as a Python script of plain Keras, made as text; nothing is built or run."""
