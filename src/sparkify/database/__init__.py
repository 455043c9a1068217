"""Reach PostgreSQL: connections, sessions that retry, the version of a warehouse, and our SQL by name."""
