"""Stage: copy the rows of a batch into the tables of its run, by binary COPY, in one transaction."""
