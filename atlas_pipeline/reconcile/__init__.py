"""The ordered walk over both sides."""
