"""Peelers: they take films off plates."""
