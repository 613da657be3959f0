"""The drawing: scene, view, items and gestures over the document's graph."""
