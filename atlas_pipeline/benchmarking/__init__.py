"""Measuring the pipeline and what it made, beside other ways of doing the same."""
