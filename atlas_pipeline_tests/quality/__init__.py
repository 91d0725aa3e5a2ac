"""Tests of the Great Expectations bridge."""
