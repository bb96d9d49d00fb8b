"""Sweeps: many runs of a recipe with ranges, and which settings validation likes best."""
