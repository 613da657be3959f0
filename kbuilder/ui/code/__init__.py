"""The editor of the project's own code."""
