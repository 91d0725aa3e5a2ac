"""The sample source: a deterministic Infrastructure Atlas database, clean or dirty, to try the pipeline on."""
