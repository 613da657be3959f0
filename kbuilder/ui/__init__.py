"""What the user sees: canvas, forms, panels, plots. No TensorFlow, Keras or h5py."""
