"""Live curves and pictures of arrays, on pyqtgraph."""
