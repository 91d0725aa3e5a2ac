"""Tests of reading the source, on real SQLite files."""
