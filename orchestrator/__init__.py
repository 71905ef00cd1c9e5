"""Decide and execute: a program runs on the devices of a cell through Bluesky, and everything is written down."""
