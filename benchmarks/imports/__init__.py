"""How much of a folder of Opentrons protocols that others wrote imports into valid protocols of ours, with its volumes.

`python -m benchmarks.imports FOLDER [--sample N --seed S]`. Python protocols need the environment of `make opentrons`.
"""
