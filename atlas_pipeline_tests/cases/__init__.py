"""The conformance suite: one small file per nasty case, each run through every way of loading and through verify."""
