"""The bytes of a UR5e's three ports, by the maker's documents: RTDE Guide (protocol 2), Dashboard Server e-Series, URScript.

Numbers are big-endian; 125.0 as a double is 40 5f 40 00 00 00 00 00.
"""

import struct

import pytest

from drivers.arms.universal_ur5e import dashboard, script, wire
from drivers.arms.universal_ur5e.script import Call, Program
from drivers.arms.universal_ur5e.wire import Kind, Package, Packages, Recipe

HZ_125 = bytes.fromhex("405f400000000000")
#: (who, bytes, package): asking for version 2, for outputs at 125 Hz, starting, one data package, a pause.
DIALOGUE = [
    ("client", "00 05 56 00 02", wire.ask_version()),
    ("device", "00 04 56 01", wire.told_version(True)),
    ("client", "00 03 76", Package(Kind.GET_URCONTROL_VERSION)),
    ("device", "00 13 76 00000005 0000000c 00000006 0010d11d", Package(Kind.GET_URCONTROL_VERSION, struct.pack(">4I", 5, 12, 6, 1102109))),
    ("client", "00 22 4f" + HZ_125.hex() + b"timestamp,runtime_state".hex(), wire.ask_outputs(["timestamp", "runtime_state"], 125.0)),
    ("device", "00 11 4f 01" + b"DOUBLE,UINT32".hex(), Package(Kind.SETUP_OUTPUTS, b"\x01DOUBLE,UINT32")),
    ("client", "00 03 53", Package(Kind.START)),
    ("device", "00 04 53 01", Package(Kind.START, b"\x01")),
    ("device", "00 10 55 01 3ff8000000000000 00000002",
     Recipe(1, ("timestamp", "runtime_state"), ("DOUBLE", "UINT32")).pack((1.5, 2))),
    ("client", "00 03 50", Package(Kind.PAUSE)),
    ("client", "00 18 49" + b"input_int_register_24".hex(), Package(Kind.SETUP_INPUTS, b"input_int_register_24")),
    ("device", "00 09 49 01" + b"INT32".hex(), Package(Kind.SETUP_INPUTS, b"\x01INT32")),
    ("client", "00 08 55 01 ffffffff", Recipe(1, ("input_int_register_24",), ("INT32",)).pack((-1,))),
]  # fmt: skip


@pytest.mark.parametrize(("who", "data", "package"), DIALOGUE)
def test_packages_are_the_bytes_of_the_guide(who, data, package):
    data = bytes.fromhex(data)
    (read,) = Packages().feed(data)
    assert read.encode() == data
    assert package.encode() == data
    assert read == package


def test_packages_come_in_pieces_of_any_size():
    data = b"".join(bytes.fromhex(data) for _, data, _ in DIALOGUE)
    packages, found = Packages(), []
    for byte in data:
        found += packages.feed(bytes([byte]))
    assert len(found) == len(DIALOGUE)


@pytest.mark.parametrize("data", [b"\x00\x02V", b"\x00\x05X\x00\x02", b"\x8f\x8e\x8d\r\n"])
def test_what_is_no_package_is_an_error(data):
    with pytest.raises(ValueError, match="no RTDE package"):
        Packages().feed(data)


def test_a_recipe_reads_what_it_wrote_and_nothing_else():
    names = ("actual_q", "robot_mode", "actual_digital_input_bits", "runtime_state", "joint_mode")
    recipe = Recipe(3, names, tuple(wire.OUTPUTS[name] for name in names))
    values = ((0.1, -1.2, 1.3, 0.0, 3.0, -6.2), -1, 1 << 40, 2, (253,) * 6)
    package = recipe.pack(values)
    assert tuple(recipe.unpack(package.payload).values()) == values
    for wrong in (package.payload[:-1], package.payload + b"\x00", b"\x04" + package.payload[1:], b""):
        with pytest.raises(ValueError, match="recipe 3"):
            recipe.unpack(wrong)


def test_answers_that_are_none():
    for payload in (b"", b"\x02", b"\x01\x01"):
        with pytest.raises(ValueError, match="neither"):
            wire.accepted(payload)
    assert wire.outputs_told(b"\x01DOUBLE", ["timestamp"]).types == ("DOUBLE",)
    for payload in (b"", b"\x01NOT_FOUND", b"\x01DOUBLE,DOUBLE", b"\x01UINT32"):
        with pytest.raises(ValueError, match="does not tell"):
            wire.outputs_told(payload, ["timestamp"])
    with pytest.raises(ValueError, match="version"):
        wire.controller_version(b"\x00\x05")
    assert wire.told_names(b"timestamp,actual_q,") == ["timestamp", "actual_q"]  # ur_rtde ends its list so
    assert wire.told_message("stop").encode() == b"\x00\x14M\x04stop\x0acontroller\x01"


def test_programs_are_urscript():
    program = script.command(
        "run/7", 12, script.move_joints((0.0, -1.57, 1.2, 0.1, 1e-9, 3.0), 1.4, 1.05),
        script.move_tool((0.1, 0.2, 0.3, 0.0, 3.14, 0.0), 1.2, 0.25), script.set_output(3, True),
    )  # fmt: skip
    first, second = script.key("run/7")
    text = f"""def lab_command():
  write_output_integer_register(42, 0)
  write_output_integer_register(40, {first})
  write_output_integer_register(41, {second})
  write_output_integer_register(43, 12)
  write_output_integer_register(42, 1)
  movej([0.0, -1.57, 1.2, 0.1, 0.000000001, 3.0], a=1.4, v=1.05)
  movel(p[0.1, 0.2, 0.3, 0.0, 3.14, 0.0], a=1.2, v=0.25)
  set_standard_digital_out(3, True)
  write_output_integer_register(42, 2)
end
"""
    assert program.encode().decode() == text
    assert script.read(text) == program
    assert (
        script.stop(4, 9.9).encode() == b"def lab_stop():\n  write_output_integer_register(44, 4)\n  stopj(9.9)\nend\n"
    )


@pytest.mark.parametrize(
    "text",
    ["", "movej([0,0,0,0,0,0])\n", "def a():\n  while True:\n    sync()\n  end\n", "def a():\n  x = 1\nend\n",
     "def a():\n  movej([0, 0\xff])\nend\n", "def a():\n  movej(q)\nend\n"],
)  # fmt: skip
def test_what_is_no_program_of_calls_is_an_error(text):
    with pytest.raises(ValueError, match=r"."):
        script.read(text)


def test_arguments_by_place_and_by_name():
    (call,) = script.read("def a():\n  movej([1, 2, 3, 4, 5, 6], 1.5, v=0.5)\nend\n").calls
    assert call == Call("movej", ((1.0, 2.0, 3.0, 4.0, 5.0, 6.0), 1.5), (("v", 0.5),))
    assert (call.argument("a", 1, 9.0), call.argument("v", 2, 9.0), call.argument("t", 3, 9.0)) == (1.5, 0.5, 9.0)
    assert script.read(Program("a", (Call("stopl", (2.0,)),)).encode().decode()).calls == (Call("stopl", (2.0,)),)


def test_the_dashboards_lines():
    assert dashboard.encode("brake release") == b"brake release\n"
    assert dashboard.decode(b"Brake releasing\r") == "Brake releasing"
    with pytest.raises(ValueError, match="ascii"):
        dashboard.decode(b"\xff\xfe")
