"""From the SQL source: snapshots, reflection, ordered rows."""
