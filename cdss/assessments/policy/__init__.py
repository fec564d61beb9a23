"""Which equation for whom: the table as data, and the function that applies it."""
