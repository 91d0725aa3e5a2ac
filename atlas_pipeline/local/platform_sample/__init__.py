"""The sample source of the investigation platform: a deterministic PostgreSQL database in either of its two shapes."""
