"""A journal of millions of rows, and what it costs: see `__main__`."""
