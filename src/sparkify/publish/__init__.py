"""Publish: what a run has staged becomes part of the star."""
