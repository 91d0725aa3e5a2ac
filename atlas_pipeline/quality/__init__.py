"""The Great Expectations bridge and the checks of a table."""
