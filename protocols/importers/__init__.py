"""Protocols of others as documents of our format. Pure: bytes in, a document and a list of findings out."""
