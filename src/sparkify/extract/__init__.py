"""Extract: find the files of a load, see which are new, and read their bytes as chunks of lines."""
