"""Stage batches on an Apache Spark cluster."""
