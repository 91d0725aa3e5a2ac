"""Tests of the way from rows to documents."""
