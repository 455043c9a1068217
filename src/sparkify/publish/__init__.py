"""Publish: move the staged rows of a run into the star."""
