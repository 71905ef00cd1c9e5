"""Every device of the lab against every fault of its line: what its driver says, held against the truth.

`python -m benchmarks.faults [--device NAME] [--occasions N]` prints the matrix as a table of Markdown.
"""
