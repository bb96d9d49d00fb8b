"""exallm: your own language model inside Exasol, driven with SQL."""
