"""What a protocol expects of its readings: fits by least squares, with an uncertainty that can be explained."""
