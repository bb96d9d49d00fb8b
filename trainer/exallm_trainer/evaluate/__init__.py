"""Evaluation: what a model answers, and how good that is."""
