"""The language in which a source table and its collection are described: frozen data that checks itself."""
