"""Writing a network in every format, each proved by its own program in a clean process."""
