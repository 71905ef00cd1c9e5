"""What every driver shares: roles, the instrument base, transports, limits, units, labware, errors."""
