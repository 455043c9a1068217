"""Sparkify: a song-play warehouse on PostgreSQL."""

__version__ = "0.1.0"
