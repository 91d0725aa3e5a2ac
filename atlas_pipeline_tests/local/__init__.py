"""Tests of what lives on this machine: embedded servers and sample sources."""
