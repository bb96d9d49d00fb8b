"""What runs inside Exasol's UDF processes. Imports nothing of ``exallm``."""
