"""Transform: turn chunks of lines into rows of the star with DuckDB. The judge decides on doubtful lines."""
