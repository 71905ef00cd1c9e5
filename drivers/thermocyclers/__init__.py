"""Thermocyclers: blocks that change temperature quickly, under heated lids."""
