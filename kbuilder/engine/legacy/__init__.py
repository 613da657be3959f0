"""Files of Keras 2 in the form that Keras 3 writes. Everything in them is read as data, nothing is run."""
