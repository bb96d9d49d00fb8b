"""The UDF runtime of the embedded engine: scripts, the processes that run them, and their rows."""
