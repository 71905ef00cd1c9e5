"""Protocols of ours in formats of others."""
