"""Tests of comparing source and collection, on a real server."""
