"""Tests of atlas_pipeline.benchmarking."""
