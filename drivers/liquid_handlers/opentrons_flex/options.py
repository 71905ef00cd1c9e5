"""Keys of a Flex in `lab.toml`."""

from pydantic import Field

from drivers.liquid_handlers.opentrons_ot2 import options

#: All slots but A3, where the trash bin stands; the fourth column is for staging, out of the pipettes' reach.
SLOTS = tuple(f"{row}{column}" for row in "DCBA" for column in "1234" if (row, column) != ("A", "3"))


class Options(options.Options):
    """What a lab says of its Flex."""

    left: str | None = Field(None, description="pipette on the left mount, such as p1000_single_flex")
    gripper: bool = Field(True, description="whether the gripper is on its mount")
