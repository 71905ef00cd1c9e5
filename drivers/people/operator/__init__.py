"""A person at the lab, asked by text and answering when it is done."""

from drivers.core.driver import Driver
from drivers.people.operator.options import Options

DRIVER = Driver(
    summary="A person who loads decks, fills wells and confirms",
    role="Operator",
    device="drivers.people.operator.device:Person",
    timing="drivers.people.operator.timing:Hands",
    options=Options,
    schemes=("console", "tcp", "sim"),
)
