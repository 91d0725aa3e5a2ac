"""The investigation platform: ten tables in PostgreSQL, in either of two shapes."""
