"""Every driver against every fault of its line: a recovered device or a named error, never a hang, never a false success.

The stories and the judge are those of `python -m benchmarks.faults`, which tries every message; here the first ones.
Devices in real time (Channel Access) have tests of their own: `tests/drivers/beamline/test_channel_access_faults.py`.
"""

from pathlib import Path

import pytest

from benchmarks.faults.matrix import GOOD, cell
from benchmarks.faults.stories import STORIES
from cli.faults import faults_of
from labfile import read
from sim_lab.faults import FAULTS
from sim_lab.faults.catalogue import COMMS

LAB = read(Path(__file__).resolve().parents[3] / "lab.toml")
DEVICES = [name for name, faults in faults_of(LAB).items() if FAULTS["reply_lost"] in faults]
#: Servers of their own are reached over real sockets, which take real time; some stories take long to reckon.
OCCASIONS = {"reader": 2, "environment": 6, "cooler": 3, "sealer": 3}


def test_every_device_with_a_line_has_a_story() -> None:
    assert {LAB.devices[name].driver for name in DEVICES} == set(STORIES)


@pytest.mark.filterwarnings("ignore")  # what libraries say of bytes that they cannot read
@pytest.mark.parametrize("fault", COMMS)
@pytest.mark.parametrize("device", [device for device in DEVICES if not LAB.devices[device].real_time_only])
def test_the_device_recovers_or_names_its_error(device: str, fault: str) -> None:
    outcomes = cell(LAB, device, fault, OCCASIONS.get(device, 6))
    assert outcomes
    assert [outcome for outcome in outcomes if outcome.kind not in GOOD] == []
