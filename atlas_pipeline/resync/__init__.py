"""Changes brought to a published collection in place: all of them by comparing, or those that a cursor shows."""
