"""Measurements whose results stand in the docs. `make bench` runs them all."""
