"""What may be asked of a lab: protocols as data, unrolled, bound and checked. Pure; no device is touched here."""
