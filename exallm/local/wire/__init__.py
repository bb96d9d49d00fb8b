"""Exasol's WebSocket protocol: listener, login, commands, result sets."""
