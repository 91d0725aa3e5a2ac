"""Dagster at the edge: what its runs, retries, index assets and report sensors do with faults."""
