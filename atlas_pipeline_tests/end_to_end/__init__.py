"""Tests of the whole way, from a source file to the collections of a server."""
