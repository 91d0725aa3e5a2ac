"""Instances of the catalog component, one folder per catalog."""
