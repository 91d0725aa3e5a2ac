"""The command line, as processes against a server of the test module's own."""
