"""Exasol's Lua scripts in the embedded engine."""
