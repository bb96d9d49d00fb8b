"""The trainer: from raw text to a checkpoint that ships. Imports nothing of the database side."""
