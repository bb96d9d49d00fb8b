"""The demonstration: a table of texts, and a model behind a SELECT."""
