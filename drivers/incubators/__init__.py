"""Incubators: chambers at a temperature, with a shuttle that takes plates in and gives them out."""
