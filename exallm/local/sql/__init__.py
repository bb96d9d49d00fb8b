"""From Exasol's SQL to DuckDB's: parsing, the allowlist, translation."""
