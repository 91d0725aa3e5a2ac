"""Faults of the load, each caused for real: concurrent readers, refused rows, lost connections, killed processes."""
