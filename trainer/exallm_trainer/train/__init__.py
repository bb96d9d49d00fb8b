"""Training: what a recipe does to a base model."""
