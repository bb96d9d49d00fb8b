"""Tokenizers: trained from prepared data, and judged beside others."""
