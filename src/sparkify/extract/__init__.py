"""Extract: which files are new, their lines, and the judge that decides on a line."""
