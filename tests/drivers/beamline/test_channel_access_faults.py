"""Channel Access gone wrong at the first message of a command: what each driver says, in real time.

Another device holds the client all the while, as in a lab: a driver must find its way back without a client that starts
anew. `python -m benchmarks.faults` tries every message of a longer story.
"""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults.matrix import play, recover, sooner
from drivers.beamline.epics_motor import client
from drivers.beamline.ophyd_device import DRIVER
from drivers.beamline.ophyd_device.device import OphydDriver
from drivers.beamline.ophyd_device.options import Options
from drivers.core.build import build
from drivers.core.errors import CommandFailed, ConnectionFailed, ConnectionLost, ReplyTimeout
from drivers.core.instrument import Command, Instrument
from drivers.core.world import WorldSettings
from labfile import Lab, read
from sim_lab.clock import run
from sim_lab.faults import Faults
from sim_lab.faults.catalogue import COMMS
from sim_lab.session import TwinWorld

LAB = read(Path(__file__).resolve().parents[3] / "lab.toml")
pytestmark = pytest.mark.filterwarnings("ignore")  # what libraries say of bytes that they cannot read


class OnCommand(Faults):
    """The fault `next` at its next occasion, once."""

    next = ""
    by = 0.0

    def touch(self, device: str) -> bool:
        """Always: the line is ready for it."""
        return True

    def happens(self, device: str, fault: str) -> float | None:
        """When told."""
        if fault != self.next:
            return None
        self.next = ""
        self.told.append((0.0, device, fault))
        return self.by


@pytest.fixture(autouse=True)
def held() -> Iterator[None]:
    """The client, by somebody else."""
    client.hold("127.0.0.1:9")
    yield
    client.release("127.0.0.1:9")


def faulty(name: str, story: Callable[[Lab, TwinWorld, Instrument[Any], OnCommand], Awaitable[Any]]) -> None:
    """A story with a device on its served twin, whose faults come when they are told."""
    lab = sooner(LAB, name)

    async def main() -> None:
        world = TwinWorld(lab.devices, lab.sites, WorldSettings(speed=1.0))
        faults = world.truth.faults = OnCommand()
        await world.start([name])
        driver = build(lab.devices[name], world, lab.sites)
        try:
            await driver.connect()
            if name == "diffractometer":  # near to where its story begins
                twin: Any = world.twin(name)
                twin.two_theta.place_mm, twin.theta.place_mm = 21.5, 10.75
            await story(lab, world, driver, faults)
        finally:
            await driver.disconnect()
            await world.close()

    run(main, speed=1)


#: The diffractometer's circles are axes, and its scaler is asked as the camera is: a few of them will do.
CASES = [(name, fault) for name in ("axis", "camera") for fault in COMMS] + [
    ("diffractometer", fault) for fault in ("reply_lost", "request_lost", "reply_garbled", "line_cut")
]


@pytest.mark.parametrize(("name", "fault"), CASES)
def test_a_fault_ends_well_or_in_a_named_error_and_the_device_comes_back(name: str, fault: str) -> None:
    async def story(lab: Lab, world: TwinWorld, driver: Instrument[Any], faults: OnCommand) -> None:
        faults.next, faults.by = fault, 0.8 if fault == "reply_late" else 0.0
        kind, told = await play(lab, world, name, driver, 1)
        assert faults.told
        assert kind in ("well", "named"), told
        if kind == "named":
            assert await recover(driver) is None
        assert await play(lab, world, name, driver, 2) == ("well", "")

    faulty(name, story)


DEAF = (ReplyTimeout, ConnectionLost)  # noise that tells of a long frame makes a connection wait for the rest of it


def perform(driver: Instrument[Any], verb: str, **args: Any) -> Awaitable[Any]:
    return driver.perform(Command(f"test/{verb}", verb, args))


@pytest.mark.parametrize(
    ("name", "verb", "args", "fault", "error", "text"),
    [
        ("axis", "position", {}, "reply_lost", ReplyTimeout, "no answer"),
        ("axis", "position", {}, "reply_garbled", DEAF, "connect|no answer"),
        ("axis", "move", {"position_mm": 0.1}, "request_lost", CommandFailed, "not at 0.1 mm"),
        ("camera", "expose", {}, "reply_lost", ReplyTimeout, "no answer"),
        ("camera", "expose", {}, "reply_garbled", DEAF, "connect|no answer"),
        ("diffractometer", "measure", {"exposure_s": 0.05}, "request_lost", ReplyTimeout, "no answer"),
        ("diffractometer", "measure", {"exposure_s": 0.05}, "line_cut", ConnectionLost, "connection"),
    ],
)  # fmt: skip
def test_each_fault_has_its_class(
    name: str, verb: str, args: dict[str, Any], fault: str, error: Any, text: str
) -> None:
    async def story(lab: Lab, world: TwinWorld, driver: Instrument[Any], faults: OnCommand) -> None:
        faults.next = fault
        with pytest.raises(error, match=text):
            await perform(driver, verb, **args)
        assert faults.told

    faulty(name, story)


@pytest.mark.parametrize("name", ["axis", "diffractometer", "camera"])
def test_an_ioc_that_goes_and_comes_back(name: str) -> None:
    """What was under way is named; while it is away it is not reached; then it is, by connecting anew."""

    async def story(lab: Lab, world: TwinWorld, driver: Instrument[Any], faults: OnCommand) -> None:
        faults.next, faults.by = "server_gone", 0.5
        kind, told = await play(lab, world, name, driver, 1)
        assert (kind, faults.told[0][2]) == ("named", "server_gone"), told
        assert "connect" in told
        for _ in range(10):
            if await recover(driver) is None:
                break
        assert await play(lab, world, name, driver, 2) == ("well", "")

    faulty(name, story)


@pytest.mark.parametrize("fault", ["request_lost", "line_cut", "server_gone", "reply_garbled"])
def test_a_device_of_others_arrives_or_names_its_error(fault: str) -> None:
    """ophyd's own `EpicsMotor` by entry point, at the axis's twin: it trusts its monitors, and is what it is."""

    async def story(lab: Lab, world: TwinWorld, axis: Instrument[Any], faults: OnCommand) -> None:
        keys = Options(
            device="ophyd.EpicsMotor", arguments={"prefix": "axis"}, channel_access=True, connect_timeout_s=3.0,
            move_timeout_s=1.0,
        )  # fmt: skip
        guest = OphydDriver("guest", axis.port, keys, DRIVER.default_limits)
        (start,) = await axis.perform(Command("test/where", "position", {}))
        await guest.connect()
        try:
            faults.next, faults.by = fault, 0.3
            twin: Any = world.twin("axis")
            try:
                await guest.perform(Command("test/move", "move", {"position": start.value + 1.0}))
                assert twin.record.place_mm == pytest.approx(start.value + 1.0, abs=0.01)
            except (ConnectionLost, CommandFailed, ReplyTimeout) as named:
                assert named.device == "guest"
            assert faults.told
            for _ in range(10):
                if await recover(guest) is None:
                    break
            await guest.perform(Command("test/back", "move", {"position": start.value}))
        finally:
            await guest.disconnect()

    faulty("axis", story)


def test_a_stop_that_nobody_takes_is_no_stop() -> None:
    async def story(lab: Lab, world: TwinWorld, driver: Instrument[Any], faults: OnCommand) -> None:
        faults.next = "request_lost"
        with pytest.raises(ReplyTimeout, match="no answer"):
            await driver.stop()
        await driver.stop()

    faulty("axis", story)


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), KeyError("response"), client.WireError("noise")])
@pytest.mark.parametrize(("name", "call"), [("axis", "find"), ("camera", "signals"), ("diffractometer", "find")])
def test_a_client_that_breaks_while_it_connects_is_named(
    name: str, call: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken pipe came bare out of `connect`: found by the soak, with faults at one message in 25."""

    def breaks(*_: Any) -> None:
        raise error

    async def story(_lab: Lab, _world: TwinWorld, driver: Instrument[Any], _faults: OnCommand) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(client, call, breaks)
            with pytest.raises(ConnectionFailed):
                await driver.connect(force_reconnect=True)
        await driver.connect(force_reconnect=True)

    faulty(name, story)
