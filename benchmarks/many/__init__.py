"""Many protocols at once on the default lab, in virtual time."""
