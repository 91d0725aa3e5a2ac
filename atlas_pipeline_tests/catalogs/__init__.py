"""Tests of the catalogs, each against a table of facts of its own."""
