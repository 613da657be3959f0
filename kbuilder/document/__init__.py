"""What the user made: values, edits, rules, undo, project file. No Qt, TensorFlow or numpy."""
