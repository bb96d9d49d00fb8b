"""Synthetic questions: written by a model about the user's own passages, filtered and marked."""
