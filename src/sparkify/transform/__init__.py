"""Transform: lines become rows of the star, in DuckDB, a chunk at a time."""
