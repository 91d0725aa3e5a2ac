"""The commands of the operator's tool, one module each. Heavy libraries are imported when a command runs."""
