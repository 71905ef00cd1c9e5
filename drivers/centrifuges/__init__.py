"""Centrifuges for plates."""
