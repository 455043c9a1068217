"""Transform: turn chunks of lines into rows of the star, with DuckDB; the judge decides on every line."""
