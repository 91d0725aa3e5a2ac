"""Catalogs: the source systems, described as data only."""
