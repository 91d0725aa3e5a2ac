"""Dagster at the edge: factories, component, resources, sensors."""
