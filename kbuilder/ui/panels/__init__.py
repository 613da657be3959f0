"""The content of each workspace."""
