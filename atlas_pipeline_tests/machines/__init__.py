"""Tests of runs that are carried out by many machines."""
