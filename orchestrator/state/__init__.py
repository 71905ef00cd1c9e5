"""What a cell knows: records, their pure fold, and views of it."""
