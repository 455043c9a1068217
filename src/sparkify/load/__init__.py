"""Load: rows into staging by binary COPY, and from staging into the star."""
