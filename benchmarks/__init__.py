"""How fast sparkify is, next to the most PostgreSQL can take and to the tools people use instead."""
