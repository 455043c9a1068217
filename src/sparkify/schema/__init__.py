"""The tables, views and functions of the database, and their names."""
