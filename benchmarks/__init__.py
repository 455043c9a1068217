"""How fast sparkify is, side by side with what PostgreSQL can take at most and with what people use instead."""
