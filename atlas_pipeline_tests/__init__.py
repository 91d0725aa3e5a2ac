"""Tests of Atlas Pipeline, against real servers and real files."""
