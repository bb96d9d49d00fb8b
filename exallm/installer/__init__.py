"""Brings exallm and its models into a database, over the wire, with public clients only."""
