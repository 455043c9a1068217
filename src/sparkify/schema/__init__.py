"""What is in the database: tables, views, functions, and their names."""
