"""Stage on an Apache Spark cluster."""
