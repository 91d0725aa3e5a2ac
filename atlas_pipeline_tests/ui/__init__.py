"""Tests of the web interface: a real run of bad and good rows, looked at in a browser as an operator does."""
