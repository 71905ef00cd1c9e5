"""What a lab can do, with proof: its manifest, the evidence behind each claim, and the signature over all of it."""
