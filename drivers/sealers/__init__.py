"""Sealers: they close plates with a film."""
