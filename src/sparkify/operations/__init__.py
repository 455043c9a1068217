"""Operate a warehouse: retry or dismiss rejects, release or drop runs, forget people, create roles, check."""
