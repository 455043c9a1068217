"""Engines: who runs the batches. They share one `stage(batch)` and so cannot disagree."""
