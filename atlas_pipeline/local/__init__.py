"""Servers and sources that live on this machine: the embedded MongoDB and the generated samples."""
