"""Python protocols: analysed by `opentrons` in its jail, with the volumes of its command list; hostile ones do no harm."""

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.imports.ledger import Volumes
from cli.main import main
from protocols.check import check
from protocols.importers.findings import Imported
from protocols.importers.opentrons import import_file
from protocols.importers.opentrons.python import import_python, jailed
from protocols.importers.opentrons.python.analysis import source_file
from protocols.importers.opentrons.python.bundle import Bundle, read_bundle
from protocols.importers.opentrons.python.jailed import Analysis, analyses, outcomes
from protocols.labview import LabView
from protocols.ledger import fold
from protocols.parse import from_document
from protocols.problems import ProtocolError

needs_opentrons = pytest.mark.skipif(
    not jailed.available(), reason="no environment for Python protocols (tools/setup_opentrons.sh makes it)"
)
HEAD = "metadata = {{'apiLevel': '{api}', 'protocolName': 'mine', 'author': 'us'}}\n"

#: Protocols in the style of the maker's library; we wrote them.
PROGRAMS = {
    "dilution": HEAD.format(api="2.9") + """
def run(ctx):
    [count, volume, mount] = get_values('count', 'volume', 'mount')
    rack = ctx.load_labware('opentrons_96_tiprack_300ul', '1')
    trough = ctx.load_labware('nest_12_reservoir_15ml', '2')
    plate = ctx.load_labware('corning_96_wellplate_360ul_flat', '3')
    p300 = ctx.load_instrument('p300_single_gen2', mount, tip_racks=[rack])
    p300.distribute(volume, trough['A1'], plate.wells()[1:count], blow_out=True)
    p300.transfer(2 * volume, trough['A2'], plate['A1'])
    for here, there in zip(plate.wells()[:count], plate.wells()[1:count]):
        p300.pick_up_tip()
        p300.aspirate(volume, here.bottom(2.5), rate=0.5)
        p300.air_gap(10)
        p300.touch_tip(here)
        ctx.delay(minutes=1, seconds=5)
        p300.dispense(volume + 10, there.top(-3))
        p300.mix(3, 40, there)
        p300.blow_out(there.top())
        p300.drop_tip()
    ctx.pause('Look at it.')
""",
    "beads": HEAD.format(api="2.11") + """
def run(ctx):
    magnet = ctx.load_module('magnetic module gen2', '4')
    block = ctx.load_module('temperature module gen2', '6')
    plate = magnet.load_labware('nest_96_wellplate_2ml_deep')
    cold = block.load_labware('opentrons_24_aluminumblock_nest_1.5ml_snapcap')
    trough = ctx.load_labware('nest_12_reservoir_15ml', '2')
    racks = [ctx.load_labware('opentrons_96_tiprack_300ul', '1')]
    multi = ctx.load_instrument('p300_multi_gen2', 'left', tip_racks=racks)
    single = ctx.load_instrument('p20_single_gen2', 'right',
                                 tip_racks=[ctx.load_labware('opentrons_96_tiprack_20ul', '5')])
    block.set_temperature(4)
    for _ in range(3):
        multi.transfer(120, trough['A1'], [plate['A1'], plate['A2'], plate['A3'], plate['A4'], plate['A5']],
                       new_tip='always')
        magnet.engage(height=6)
        multi.transfer(150, [plate['A1'], plate['A2'], plate['A3'], plate['A4'], plate['A5']], trough['A12'],
                       new_tip='always')
        magnet.disengage()
        multi.reset_tipracks()
    single.transfer(5, cold['A1'], plate['B2'])
    single.pick_up_tip()
    single.return_tip()
""",
    "one tip of eight": HEAD.format(api="2.13") + """
def run(ctx):
    rack = ctx.load_labware('opentrons_96_tiprack_300ul', '1')
    plate = ctx.load_labware('corning_96_wellplate_360ul_flat', '3')
    multi = ctx.load_instrument('p300_multi_gen2', 'left', tip_racks=[rack])
    for tip, well in (('H1', 'B3'), ('G1', 'C3'), ('E1', 'A4')):
        multi.pick_up_tip(rack[tip])
        multi.aspirate(50, plate['A1'])
        multi.dispense(70, plate[well])
        multi.return_tip()
        multi.pick_up_tip(rack[tip])
        multi.drop_tip()
    multi.pick_up_tip(rack['A2'])
    multi.aspirate(30, plate['A2'])
    multi.dispense(30, plate['A6'])
    multi.drop_tip()
""",
    "parameters": HEAD.format(api="2.18") + """
def add_parameters(parameters):
    parameters.add_int(variable_name='columns', display_name='Columns', default=2, minimum=1, maximum=12)
    parameters.add_float(variable_name='volume', display_name='uL', default=25.5, minimum=1, maximum=100)

def run(ctx):
    trash = ctx.load_labware('opentrons_96_tiprack_300ul', '1')
    trough = ctx.load_labware('nest_12_reservoir_15ml', '2')
    plate = ctx.load_labware('corning_96_wellplate_360ul_flat', '3')
    water = ctx.define_liquid(name='water', description='', display_color='#0000ff')
    trough['A1'].load_liquid(water, 10000)
    multi = ctx.load_instrument('p300_multi_gen2', 'left', tip_racks=[trash])
    multi.transfer(ctx.params.volume, trough['A1'], plate.columns()[:ctx.params.columns])
    ctx.comment('done')
""",
}  # fmt: skip
VALUES = {"dilution": {"count": 6, "volume": 100.0, "mount": "right"}}


@pytest.fixture(scope="module")
def analysed() -> dict[str, tuple[Bundle, Analysis]]:
    bundles = {name: Bundle(f"{name}.py", text.encode(), {}, VALUES.get(name, {})) for name, text in PROGRAMS.items()}
    return dict(zip(bundles, zip(bundles.values(), analyses(list(bundles.values())), strict=True), strict=True))


def imported(analysed: dict[str, tuple[Bundle, Analysis]], name: str) -> Imported:
    bundle, analysis = analysed[name]
    return import_file(source_file(bundle, analysis), bundle.assumptions())


@needs_opentrons
@pytest.mark.parametrize("name", list(PROGRAMS))
def test_the_volumes_are_those_of_the_command_list(
    analysed: dict[str, tuple[Bundle, Analysis]], lab_view: LabView, name: str
) -> None:
    source = source_file(*analysed[name])
    checked = check(from_document(imported(analysed, name).document), lab_view)
    assert checked.ok, checked.problems
    assert checked.program is not None
    end = fold(checked.program)[0].end_state(checked.program)["labware"]
    ours = {(labware, well): held["volume_ul"] for labware, item in end.items() for well, held in item["wells"].items()}
    commands = [{"commandType": c.kind, "params": c.params, "result": c.result} for c in source.commands]
    theirs = Volumes(commands, {}, flex=False, cuts=source.cuts).end
    assert len(theirs) > 3
    assert ours == pytest.approx(theirs, abs=1e-6)


def moves(found: Imported) -> list[dict[str, Any]]:
    return [move for step in found.document["steps"] for move in step.get("moves", ())]


@needs_opentrons
def test_heights_waits_and_values_come_through(analysed: dict[str, tuple[Bundle, Analysis]]) -> None:
    found = imported(analysed, "dilution")
    plate = "corning_96_wellplate_360ul_flat_3"
    draw = next(move for move in moves(found) if move["act"] == "aspirate" and move["well"] == f"{plate}/A1")
    assert (draw["height"], draw["rate"]) == ("2.5 mm", "46.43 uL/s")  # half of the pipette's 92.86
    assert {"act": "touch_tip", "well": f"{plate}/A1"} in moves(found)
    give = next(move for move in moves(found) if move.get("volume") == "110 uL")
    assert (give["well"], give["height"]) == (f"{plate}/B1", "7.67 mm")  # 3 mm below the rim of a 10.67 mm well
    steps = found.document["steps"]
    assert [step["for"] for step in steps if step["do"] == "wait"] == ["65 s"] * 5
    assert [step["message"] for step in steps if step["do"] == "operator"] == ["Look at it."]
    assert (
        "the values of the source's fields: count = 6, volume = 100.0, mount = right" in found.document["assumptions"]
    )


@needs_opentrons
def test_modules_become_tasks_with_values_and_racks_are_renewed(analysed: dict[str, tuple[Bundle, Analysis]]) -> None:
    found = imported(analysed, "beads")
    asked = [step["message"] for step in found.document["steps"] if step["do"] == "operator"]
    assert asked[0].startswith("Setting Temperature Module temperature to 4.0 °C")
    assert asked[1].startswith('Engaging Magnetic Module ({"height": 6}). It means magneticModuleV2 in slot 4')
    racks = [name for name, spec in found.document["labware"].items() if "tiprack_300ul" in json.dumps(spec)]
    assert racks == [f"opentrons_96_tiprack_300ul_1{more}" for more in ("", "#2", "#3")]
    assert any("a fresh rack is brought" in problem.message for problem in found.problems)
    assert any("more is drawn in all than is there" in text for text in found.document["assumptions"])


@needs_opentrons
def test_eight_nozzles_take_what_the_end_of_a_column_has(analysed: dict[str, tuple[Bundle, Analysis]]) -> None:
    found = imported(analysed, "one tip of eight")
    assert [move.get("tips") for move in moves(found) if move["act"] == "pick_up"] == [1, 1, 1, 1, 2, 2, None]
    assert any("more is given than the tip holds" in problem.message for problem in found.problems)


@needs_opentrons
def test_a_wrong_program_is_told_with_its_cause() -> None:
    text = HEAD.format(api="2.13") + "def run(ctx):\n    ctx.load_labware('no_such_plate', '1')\n"
    with pytest.raises(ProtocolError, match="no_such_plate"):
        import_python(Bundle("wrong.py", text.encode()))
    with pytest.raises(ProtocolError, match="`opentrons`"):
        import_python(Bundle("wrong.py", b"def run("))


# What is beside the file


def test_fields_and_labware_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "labware").mkdir()
    (tmp_path / "labware" / "mine.json").write_text("{}")
    fields = [
        {"name": "count", "type": "int", "default": 8},
        {"name": "mount", "type": "dropDown", "options": [{"label": "L", "value": "left"}, {"value": "right"}]},
        {"name": "table", "type": "textFile", "default": "a,b"},
    ]
    (tmp_path / "fields.json").write_text(json.dumps(fields))
    file = tmp_path / "mine.py"
    file.write_bytes(b"pass")
    bundle = read_bundle(file, {"count": "12", "other": "true"})
    assert bundle.values == {"count": 12, "mount": "left", "table": "a,b"}
    assert (bundle.parameters, list(bundle.labware)) == ({"other": True}, ["mine.json"])
    assert read_bundle(file, {"mount": "right"}).values["mount"] == "right"
    for given, said in (({"mount": "top"}, "does not take 'top'"), ({"count": "many"}, "is of type int")):
        with pytest.raises(ProtocolError, match=said):
            read_bundle(file, given)
    (tmp_path / "fields.json").write_text("{}")
    with pytest.raises(ProtocolError, match=r"fields\.json cannot be read"):
        read_bundle(file, {})


def test_without_the_environment_the_error_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(jailed, "PYTHON", tmp_path / "python")
    with pytest.raises(ProtocolError) as caught:
        import_python(Bundle("mine.py", b"pass"))
    assert "make opentrons" in caught.value.problems[0].hint


@needs_opentrons
def test_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(PROGRAMS["parameters"])
    with pytest.raises(SystemExit) as caught:
        main(["--json", "import", "mine.py", "--from", "opentrons", "--param", "columns=3", "--out", "mine.yaml"])
    told = json.loads(capsys.readouterr().out)
    assert caught.value.code == 0, told
    assert told["protocol"]["materials"] == {"water": {}}
    assert len([m for s in told["protocol"]["steps"] for m in s.get("moves", ()) if m["act"] == "dispense"]) == 3
    with pytest.raises(SystemExit) as caught:
        main(["--json", "import", "mine.json", "--from", "opentrons", "--param", "columns=3"])
    assert caught.value.code == 4  # there is no such file


# Hostile programs

GOOD = PROGRAMS["parameters"]
RUN = "\ndef run(ctx):\n    ctx.comment('ran')\n"
HOSTILE = {
    "network": "import socket\nsocket.create_connection(('127.0.0.1', {port}))",
    "network by hand": "import ctypes\nc = ctypes.CDLL(None, use_errno=True)\nif c.socket(2, 1, 0) < 0: raise OSError(ctypes.get_errno())",
    "name server": "import socket\nsocket.getaddrinfo('example.com', 80)",
    "local socket": "import socket\nsocket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')",
    "fork bomb": "import os\nwhile True: os.fork()",
    "processes": "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'id'])",
    "exec": "import os\nos.execv('/bin/sh', ['sh', '-c', 'id'])",
    "kill": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
    "read a file": "open({secret!r}).read()",
    "read the home": "open('/root/.profile').read()\nopen('/etc/shadow').read()",
    "read a process": "open('/proc/self/environ').read()",
    "write outside": "open({target!r}, 'w').write('x')",
    "change a mode": "import os\nos.chmod({secret!r}, 0o777)",
    "hard link": "import os\nos.link({secret!r}, 'mine')\nopen('mine').read()",
    "raise a limit": "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (9999, 9999))",
    "symbolic link": "import os\nos.symlink({secret!r}, 'analysis.json')",
    "memory": "b = bytearray(8 << 30)",
    "a great file": "f = open('much', 'wb')\nfor _ in range(200): f.write(bytes(1 << 20))",
    "its own report": "import os\nopen('analysis.json', 'w').write('[' * 100000)\nos._exit(0)",
    "no report": "import os\nos._exit(0)",
    "crash": "import ctypes\nctypes.string_at(0)",
    "nonsense": "\\x00",
}
ENDLESS = {
    "endless loop": ("while True: pass", "ran for more than"),
    "sleep": ("import time\nwhile True: time.sleep(1)", "ran for more than"),
    "deaf": ("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", "ran for more than"),
    "flood": ("while True: print('x' * 100000)", "ran for more than"),
}


@contextlib.contextmanager
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@needs_opentrons
def test_hostile_programs_reach_nothing(tmp_path: Path) -> None:
    secret, target = tmp_path / "secret", tmp_path / "written"
    secret.write_text("KEEP-THIS-SECRET")
    secret.chmod(0o600)
    with listener() as server:
        known = {"port": server.getsockname()[1], "secret": str(secret), "target": str(target)}
        bundles = []
        for name, text in HOSTILE.items():
            body = "".join(f"        {line}\n" for line in text.format(**known).split("\n"))
            told = f"import json\ndef run(ctx):\n    try:\n{body}        ctx.comment('REACHED')\n"
            told += "    except BaseException as error:\n        ctx.comment(f'STOPPED {error!r}')\n"
            bundles.append(Bundle(f"{name}.py", (HEAD.format(api="2.13") + told).encode()))
        ends = dict(zip(HOSTILE, outcomes(bundles, cpu_s=20), strict=True))
        with pytest.raises(BlockingIOError):
            server.accept()
    for name, end in ends.items():
        said = end if isinstance(end, str) else json.dumps(end.result)
        assert "REACHED" not in said, name
        assert "KEEP-THIS-SECRET" not in said, name
        assert isinstance(end, str) or "STOPPED" in said or end.result["result"] != "ok", name
    assert not target.exists()
    assert secret.stat().st_mode & 0o777 == 0o600
    for name in ("its own report", "no report", "crash"):
        assert isinstance(ends[name], str)
    for name in ("network", "fork bomb", "processes", "exec", "kill", "change a mode"):
        assert "PermissionError" in json.dumps(ends[name].result), ends[name]  # type: ignore[union-attr]
    assert "MemoryError" in json.dumps(ends["memory"].result)  # type: ignore[union-attr]
    assert {"landlock", "seccomp", "limits"} <= set(ends["network"].held)  # type: ignore[union-attr]


@needs_opentrons
def test_programs_without_an_end_are_ended() -> None:
    head = HEAD.format(api="2.13")
    bundles = [Bundle(f"{name}.py", (head + text + RUN).encode()) for name, (text, _) in ENDLESS.items()]
    for (name, (_, said)), end in zip(ENDLESS.items(), outcomes(bundles, cpu_s=2), strict=True):
        assert isinstance(end, str), name
        assert said in end, (name, end)


@needs_opentrons
def test_a_program_that_fills_the_disk_is_ended_and_the_next_one_runs() -> None:
    fill = "n = 0\nwhile True:\n    n += 1\n    open(f'f{n}', 'wb').write(bytes(100000))"
    bundles = [Bundle("fill.py", (HEAD.format(api="2.13") + fill + RUN).encode()), Bundle("good.py", GOOD.encode())]
    end, good = outcomes(bundles)
    assert end == "it wrote too much"
    assert isinstance(good, Analysis)
