"""What window and engine say to each other, and how it travels. No Qt, no TensorFlow."""
