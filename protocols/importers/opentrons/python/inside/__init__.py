"""What runs in the environment of `opentrons`, with a stranger's program in it; it imports nothing of ours."""
