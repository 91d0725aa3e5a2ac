"""Reports for people: one page per run, and the status board."""
