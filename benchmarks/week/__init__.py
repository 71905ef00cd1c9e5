"""A week of mixed work with faults, in virtual time: nothing leaks, nothing stays reserved, the journal folds fast."""
