"""How long the validator takes."""
