"""What is legal and most likely not meant: losses, labels, sizes, frozen layers, memory."""
