"""Tests of bringing published collections in step in place."""
