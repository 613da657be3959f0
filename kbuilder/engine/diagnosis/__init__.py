"""Why Keras refuses a layer, in our words: expected, received, and fixes. One module for each cause."""
