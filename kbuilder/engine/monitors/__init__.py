"""What is seen of a training beside its losses: the layers, the classes, the machine."""
