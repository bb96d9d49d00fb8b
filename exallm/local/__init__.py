"""The embedded engine: a development database that speaks Exasol's protocol over DuckDB.

This package stays empty on purpose: UDF worker processes import modules below it, and whatever
stands here is paid for by each of them at its start.
"""
