"""Reading a lab file: the lab it gives, and every mistake at once with its line."""

from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.core.limits import Range
from drivers.core.world import DeviceAddress
from labfile import LabFileError, Problem, check, read
from labfile.plugins import Driver

Write = Callable[[str | bytes], Path]
Drivers = Mapping[str, Driver]


def test_a_good_file_gives_a_lab(write: Write, good: str, drivers: Drivers) -> None:
    path = write(good)
    assert check(path, drivers) == []
    lab = read(path, drivers)
    assert (lab.name, lab.facility, lab.ror, lab.mode) == ("cell-1", "Example Laboratory", None, "twin")
    assert list(lab.devices) == ["handler", "arm", "reader", "sensor"]
    handler = lab.devices["handler"]
    assert (handler.name, handler.driver, handler.role) == ("handler", "fake.handler", "LiquidHandler")
    assert handler.spec is drivers["fake.handler"]
    assert handler.options == drivers["fake.handler"].options(deck="standard")
    assert handler.limits.ranges["volume"] == Range(5.0, 300.0, "volume")
    assert lab.devices["reader"].twin == "none"
    assert lab.sites["reader.tray"].at_mm == (1.0, 2.5, 3.0)
    assert lab.sites["reader.tray"].approach_mm == 60.0
    assert lab.sites["hotel.2"].access == "horizontal"
    assert lab.all_sites == ("handler.1", "handler.2", "handler.3", "reader.tray", "hotel.1", "hotel.2")
    assert lab.people["ana"].may == {"run", "approve:low"}
    assert lab.agents["explorer"].hazard_ceiling == "low"
    assert lab.agents["explorer"].budget.runs_per_day == 4
    assert lab.agents["explorer"].budget.instrument_minutes_per_day is None
    assert (lab.policy.unknown_material, lab.store.url, lab.compute.executor) == (
        "approve",
        "sqlite:///var/lab.db",
        "processes",
    )


def test_a_device_is_what_a_world_asks_for(write: Write, good: str, drivers: Drivers) -> None:
    address: DeviceAddress = read(write(good), drivers).devices["arm"]  # mypy checks the shape
    assert (address.driver, address.real) == ("fake.arm", "tcp://arm.lab.example:10100")


def test_a_lab_cannot_be_changed(write: Write, good: str, drivers: Drivers) -> None:
    lab = read(write(good), drivers)
    with pytest.raises(FrozenInstanceError):
        lab.mode = "real"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        lab.devices["arm"].real = "tcp://elsewhere"  # type: ignore[misc]
    with pytest.raises(TypeError):
        lab.devices["arm"] = lab.devices["reader"]  # type: ignore[index]
    with pytest.raises(ValidationError):
        lab.policy.unknown_material = "warn"  # type: ignore[misc]


TEN_MISTAKES = """\
schema = 1
[lab]
name = "cell-1"
timezone = "America/Chicagoo"
[devices.arm]
driver = "fake.arm"
real = "tcp://arm.lab.example:10100"
twinn = "sim:"
[devices.handler]
driver = "fake.handler"
real = "usb:1"
twin = "sim:"
deck = "standard"
left = "p30"
[devices.handler.limits]
volume = ["1 uL", "2 mL"]
[devices.reader]
driver = "fake.raeder"
real = "opc.tcp://reader.lab.example:4840"
twin = "sim:"
[devices.arm2]
driver = "fake.arm"
real = "tcp://arm.lab.example:10100"
twin = "none"
[sites."handler.4"]
arm = "arm"
at_mm = [1, 2, 3]
yaw_deg = 0
[sites."handler.1"]
arm = "handler"
at_mm = [1, 2, 3]
yaw_deg = 0
"""


def test_ten_mistakes_give_ten_messages_at_once(write: Write, drivers: Drivers) -> None:
    assert [str(problem) for problem in check(write(TEN_MISTAKES), drivers)] == [
        "lab.toml:2: lab.facility: missing key - The organisation or facility, in full.",
        "lab.toml:4: lab.timezone: no such time zone - did you mean 'America/Chicago'?",
        "lab.toml:8: devices.arm.twinn: unknown key - did you mean 'twin'?",
        "lab.toml:11: devices.handler.real: must begin with http: - so says its driver",
        "lab.toml:14: devices.handler.left: must be 'p300' or 'p20' - did you mean 'p300'?",
        "lab.toml:16: devices.handler.limits.volume: 1 to 2000 uL is wider than the driver allows "
        "(1 to 1000 uL); a lab may only narrow",
        "lab.toml:18: devices.reader.driver: no such driver - did you mean 'fake.reader'?",
        "lab.toml:23: devices.arm2.real: same address as devices.arm - each instrument has its own",
        "lab.toml:25: sites.\"handler.4\": 'handler' has no place '4' - it has: 1, 2, 3",
        "lab.toml:30: sites.\"handler.1\".arm: 'handler' is a LiquidHandler, not a PlateMover - "
        "plate movers: arm, arm2",
    ]


def test_read_raises_what_check_lists(write: Write, drivers: Drivers) -> None:
    path = write(TEN_MISTAKES)
    with pytest.raises(LabFileError) as caught:
        read(path, drivers)
    assert list(caught.value.problems) == check(path, drivers)
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]


# Each case: the text of the good file to replace, what to put there, and the whole message.
CASES = {
    "format of another version": ("schema = 1", "schema = 2", "1: schema: must be 1"),
    "format is missing": ("schema = 1\n", "", "1: schema: missing key - The version of this format: 1."),
    "unknown table": (
        "[storage.hotel]",
        "[storages.rack]\nx = 1\n[storage.hotel]",
        "26: storages: unknown key - did you mean 'storage'?",
    ),
    "a key that is like no other": (
        'timezone = "',
        'xyz = 1\ntimezone = "',
        "5: lab.xyz: unknown key - known: facility, mode, name, ror, timezone",
    ),
    "wrong word": (
        "[devices.handler]",
        'mode = "twn"\n[devices.handler]',
        "6: lab.mode: must be 'twin' or 'real' - did you mean 'twin'?",
    ),
    "bad lab name": (
        '"cell-1"',
        '"Cell 1"',
        "3: lab.name: does not have the form that is wanted - "
        "The cell's short name: a small letter, then small letters, digits, _ and -.",
    ),
    "text wanted": (
        'facility = "Example Laboratory"',
        "facility = 5",
        "4: lab.facility: must be text in quotes",
    ),
    "table wanted": (
        "budget = { runs_per_day = 4 }",
        "budget = 4",
        "41: agents.explorer.budget: must be a table",
    ),
    "bad device name": (
        "[devices.sensor]",
        '[devices."Big Sensor"]',
        '21: devices."Big Sensor": this name is not allowed - '
        "begin with a small letter; go on with small letters, digits and _",
    ),
    "driver is missing": (
        'driver = "fake.arm"\n',
        "",
        "13: devices.arm.driver: missing key - The driver's name, as `lab devices` lists them.",
    ),
    "driver like no other": (
        '"fake.arm"',
        '"xx"',
        "14: devices.arm.driver: no such driver - installed: fake.arm, fake.handler, fake.reader, fake.sensor",
    ),
    "option is missing": (
        'deck = "standard"\n',
        "",
        "6: devices.handler.deck: missing key - the deck's name",
    ),
    "option is unknown": (
        'deck = "standard"',
        'deck = "standard"\nleftt = "p20"',
        "11: devices.handler.leftt: unknown key - did you mean 'left'?",
    ),
    "option inside an array": (
        "scale = 2",
        "scal = 2",
        "25: devices.sensor.channels[1].scal: unknown key - did you mean 'scale'?",
    ),
    "option that other tables fill": (
        'twin = "none"',
        'twin = "none"\nsites = {}',
        "21: devices.reader.sites: is not written in a device's table - write [sites] tables",
    ),
    "limit unknown": (
        'volume = ["5 uL", "0.3 mL"]',
        'speed = ["1 rpm", "2 rpm"]',
        "12: devices.handler.limits.speed: this driver has no limit of that name; it has: volume",
    ),
    "limit with a wrong unit": (
        '"5 uL"',
        '"5 uLL"',
        "12: devices.handler.limits.volume: '5 uLL': unknown unit 'uLL' for a volume - did you mean 'uL'?",
    ),
    "limits is no table": (
        '[devices.handler.limits]\nvolume = ["5 uL", "0.3 mL"]',
        "limits = 3",
        "11: devices.handler.limits: must be a table",
    ),
    "twin by another scheme": (
        'twin = "none"',
        'twin = "tcp://127.0.0.1:1"',
        "20: devices.reader.twin: must begin with opc.tcp:, or be 'sim:' or 'none' - so says its driver",
    ),
    "real without a scheme": (
        '"tcp://arm.lab.example:10100"',
        '"arm.lab.example"',
        "15: devices.arm.real: must begin with tcp: - so says its driver",
    ),
    "real without a host": (
        '"tcp://arm.lab.example:10100"',
        '"tcp://"',
        "15: devices.arm.real: names no host or path - write what stands behind tcp://",
    ),
    "real with a port that is none": (
        ":10100",
        ":port",
        "15: devices.arm.real: host or port cannot be read - write tcp://host:port",
    ),
    "real may not be none": (
        '"tcp://arm.lab.example:10100"',
        '"none"',
        "15: devices.arm.real: must begin with tcp: - so says its driver",
    ),
    "real that is simulated": (
        '"tcp://arm.lab.example:10100"',
        '"sim:"',
        "15: devices.arm.real: must begin with tcp: - so says its driver",
    ),
    "site of a device that is absent": (
        'sites."reader.tray"',
        'sites."raeder.tray"',
        "28: sites.\"raeder.tray\": no device or storage 'raeder' - did you mean 'reader'?",
    ),
    "site beyond the slots": (
        'sites."hotel.2"',
        'sites."hotel.3"',
        "32: sites.\"hotel.3\": 'hotel' has no place '3' - it has 1 to 2",
    ),
    "site without quotes": (
        '[sites."reader.tray"]',
        "[sites.reader.tray]",
        '28: sites.reader: a site is a device or storage and its place in quotes - such as [sites."reader.tray"]',
    ),
    "arm is absent": (
        '"reader.tray"]\narm = "arm"',
        '"reader.tray"]\narm = "amr"',
        "29: sites.\"reader.tray\".arm: no device 'amr' - did you mean 'arm'?",
    ),
    "coordinate is missing": (
        "[1, 2.5, 3]",
        "[1, 2.5]",
        '30: sites."reader.tray".at_mm: needs a value at place 3',
    ),
    "coordinate is not finite": (
        "[1, 2.5, 3]",
        "[1, nan, 3]",
        '30: sites."reader.tray".at_mm[1]: must be a finite number',
    ),
    "device and storage of one name": (
        "[storage.hotel]\nslots = 2",
        "[storage.hotel]\nslots = 2\n[storage.arm]\nslots = 1",
        "28: storage.arm: 'arm' is also in [devices] - choose another name",
    ),
    "person and agent of one name": (
        "[agents.explorer]",
        "[agents.ana]",
        "39: agents.ana: 'ana' is also in [people] - choose another name",
    ),
    "maintenance of a device that is absent": (
        "[agents.explorer]",
        '[maintenance.x]\ndevice = "amr"\nfrom = 2027-02-01T08:00:00\nuntil = 2027-02-01T12:00:00\n[agents.explorer]',
        "40: maintenance.x.device: no such device - did you mean 'arm'?",
    ),
    "maintenance that ends before it begins": (
        "[agents.explorer]",
        '[maintenance.x]\ndevice = "arm"\nfrom = 2027-02-01T08:00:00\nuntil = 2027-02-01T07:00:00\n[agents.explorer]',
        "42: maintenance.x.until: is not after `from` - a maintenance takes some time",
    ),
    "maintenance in two kinds of time": (
        "[agents.explorer]",
        '[maintenance.x]\ndevice = "arm"\nfrom = 2027-02-01T08:00:00\nuntil = 2027-02-01T09:00:00Z\n[agents.explorer]',
        "42: maintenance.x.until: has an offset where `from` has none - give both or none",
    ),
    "an agent that approves": (
        'may = ["submit"]',
        'may = ["submit", "approve:low"]',
        "40: agents.explorer.may[1]: must be 'validate', 'simulate', 'submit', 'run', 'pause', 'resume' or 'abort'",
    ),
    "a budget below nothing": (
        "runs_per_day = 4",
        "runs_per_day = -1",
        "41: agents.explorer.budget.runs_per_day: must be greater than or equal to 0",
    ),
    "a number too large for JSON": (
        "runs_per_day = 4",
        "runs_per_day = 99999999999999999999",
        "41: agents.explorer.budget.runs_per_day: is too large a number - at most 9007199254740991",
    ),
    "more slots than any hotel has": (
        '2\n[sites."reader.tray"]',
        '9999999999999\n[sites."hotel.x"]',
        "27: storage.hotel.slots: must be less than or equal to 1000",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_mistake_gives_its_message(case: str, write: Write, good: str, drivers: Drivers) -> None:
    old, new, message = CASES[case]
    assert good.count(old) == 1
    problems = [str(problem) for problem in check(write(good.replace(old, new)), drivers)]
    assert f"lab.toml:{message}" in problems
    assert len(problems) == 1


def test_devices_behind_one_server_differ_in_their_options(write: Write, good: str, drivers: Drivers) -> None:
    second = '[devices.sensor2]\ndriver = "fake.sensor"\nreal = "mqtt://broker.lab.example/"\ntwin = "sim:"\n'
    other = write(good + second + 'channels = [{ topic = "t3" }]\n')
    assert check(other, drivers) == []
    same = write(good + second + 'channels = [{ topic = "t1" }, { topic = "t2", scale = 2 }]\n')
    assert [(problem.line, problem.message) for problem in check(same, drivers)] == [
        (44, "same address as devices.sensor")
    ]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ('stands_in_for = "nobody"', "no other device"),
        ('stands_in_for = "spare"', "no other device"),
        ('stands_in_for = "sensor"', "its driver is not as sensor's"),
        ('stands_in_for = "handler"', "its driver is not as handler's"),
        ('stands_in_for = "arm"', None),
    ],
)
def test_only_a_device_of_the_same_make_stands_in(
    write: Write, good: str, drivers: Drivers, second: str, message: str | None
) -> None:
    spare = f'[devices.spare]\ndriver = "fake.arm"\nreal = "tcp://spare.example:1"\ntwin = "sim:"\n{second}\n'
    told = [problem.message for problem in check(write(good + spare), drivers)]
    assert told[:1] == ([] if message is None else [message])


def test_a_driver_that_cannot_be_imported_is_a_problem_of_its_device(write: Write, good: str, drivers: Drivers) -> None:
    class Broken(dict[str, Driver]):
        def __getitem__(self, name: str) -> Driver:
            if name == "fake.arm":
                raise ImportError("no module\nnamed 'x'")
            return super().__getitem__(name)

    assert [str(problem) for problem in check(write(good), Broken(drivers))] == [
        "lab.toml:14: devices.arm.driver: this driver cannot be loaded: ImportError: no module named 'x' - "
        "mend or reinstall it"
    ]


def test_toml_that_is_wrong_is_a_problem_at_its_line(write: Write, drivers: Drivers) -> None:
    assert check(write("schema = 1\n[lab\n"), drivers) == [
        Problem("lab.toml", 2, "", "not valid TOML: expected ']' at the end of a table declaration")
    ]
    assert str(check(write("schema = 1\nx = [1\n"), drivers)[0]) == "lab.toml:2: not valid TOML: unclosed array"
    assert str(check(write("schema = 1\nx = [1,\n\n[lab]\n"), drivers)[0]) == (
        "lab.toml:4: not valid TOML: invalid value - it is inside what begins on line 2; close that first"
    )
    assert "4300 digits" in str(check(write("schema = 1" + "0" * 5000), drivers)[0])
    assert "nested too deeply" in str(check(write("x = " + "[" * 5000), drivers)[0])


def test_a_file_that_cannot_be_read_is_a_problem(write: Write, tmp_path: Path, drivers: Drivers) -> None:
    assert str(check("absent.toml", drivers)[0]).startswith("absent.toml: cannot be read: No such file")
    assert "Is a directory" in str(check(tmp_path, drivers)[0])
    assert [(problem.line, problem.message) for problem in check(write(b"schema = 1\n# caf\xe9\n"), drivers)] == [
        (2, "is not UTF-8 text")
    ]


def test_a_byte_order_mark_and_windows_lines_are_no_mistake(write: Write, good: str, drivers: Drivers) -> None:
    plain = read(write(good), drivers)
    windows = read(write(b"\xef\xbb\xbf" + good.replace("\n", "\r\n").encode()), drivers)
    assert windows.config_hash == plain.config_hash


def test_the_hash_is_of_the_content(write: Write, good: str, drivers: Drivers) -> None:
    first = read(write(good), drivers).config_hash
    assert first == read(write("# a comment\n" + good.replace(" = ", "=")), drivers).config_hash
    assert first != read(write(good.replace("slots = 2", "slots = 3")), drivers).config_hash
    assert len(first) == 64


PIECES = [
    "",
    "x",
    "[",
    "[devices]",
    "[[sites]]",
    "devices = 1",
    "lab = []",
    "sites.a.b = 1",
    "= 1",
    '"',
    "real = 5",
    'driver = "fake.sensor"',
    'driver = ["x"]',
    "limits = 1",
    "at_mm = {}",
    'arm = "reader"',
    "twin = 2026-01-01",
    'real = "tcp://[::1"',
    'real = ":"',
    "slots = -1",
    "channels = [[1]]",
    "budget = inf",
    "may = [1, {}]",
    'store.url = "postgresql://["',
    "schema = true",
    "[people]",
    '[sites.""]',
    '[storage.""]',
    "volume = [[], {}]",
]


@given(edits=st.lists(st.tuples(st.integers(0, 41), st.sampled_from(PIECES)), min_size=1, max_size=5))
def test_no_mistake_ends_in_a_traceback(
    edits: list[tuple[int, str]], good: str, tmp_path_factory: pytest.TempPathFactory, drivers: Drivers
) -> None:
    lines = good.split("\n")
    for number, piece in edits:
        lines[number] = piece
    path = tmp_path_factory.getbasetemp() / "edited.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    problems = check(path, drivers)
    assert all(0 <= problem.line <= len(lines) and problem.message for problem in problems)
    if problems:
        with pytest.raises(LabFileError):
            read(path, drivers)
    else:
        assert read(path, drivers).path == path
