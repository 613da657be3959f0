"""Rules about the drawing alone, one module for each thing that can be wrong."""
