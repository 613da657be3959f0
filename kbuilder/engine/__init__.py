"""What Keras makes of a project: build, infer, train, inspect, data, files. No Qt."""
