"""Plans: every mistake at once, and faults that happen when the plan says, the same for the same seed."""

import pytest

from sim_lab.faults import FAULTS, Faults, Injection, PlanError, applicable, read_plan

LAB = {"ot2": applicable("opentrons.ot2", True), "axis": applicable("an axis without faults", False)}
PLAN = b"""
format: lab-faults/1
seed: 7
faults:
  - { device: ot2, fault: silent_short_aspirate, at: { action: 14 }, by: 30 % }
  - { device: ot2, fault: reply_late, probability: 0.01, by: 3 s }
  - { device: ot2, fault: reply_lost, at: { time: 120 s }, for: 15 s }
"""


def test_a_plan_is_read() -> None:
    plan = read_plan(PLAN, LAB)
    assert plan.seed == 7
    assert plan.injections == (
        Injection("ot2", "silent_short_aspirate", 0.3, action=14),
        Injection("ot2", "reply_late", 3.0, probability=0.01),
        Injection("ot2", "reply_lost", 0.0, time_s=120.0, for_s=15.0),
    )


def test_all_mistakes_are_told_at_once() -> None:
    text = b"""
format: lab-faults/1
faults:
  - { device: ot3, fault: clot }
  - { device: ot2, fault: clod }
  - { device: ot2, fault: heater_dead }
  - { device: axis, fault: reply_lost }
  - { device: ot2, fault: clot, by: 3 s }
  - { device: ot2, fault: reply_lost, by: 30 % }
  - { device: ot2, fault: reply_late, by: 3 uL, at: { time: soon } }
"""
    with pytest.raises(PlanError) as caught:
        read_plan(text, LAB)
    told = caught.value.problems
    assert len(told) == 8
    for part in ("did you mean 'ot2'", "did you mean 'clot'", "cannot have 'heater_dead'", "it can have: none", "is no share",
                 "takes no amount", "faults.6.by: ", "faults.6.at.time: "):  # fmt: skip
        assert sum(part in problem for problem in told) == 1, part


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b"\xff\xfe", b"format: lab-faults/2\nfaults: []", b"format: lab-faults/1\nfaults: [{}]",
     b"format: lab-faults/1\nfaults: [{device: ot2, fault: clot, at: {action: 0}}]", b"x" * 2_000_000, b"[" * 5000],
)  # fmt: skip
def test_what_is_no_plan_is_refused(data: bytes) -> None:
    with pytest.raises(PlanError):
        read_plan(data, LAB)


def strikes(line: Injection, occasions: int, seed: int = 1, each_s: float = 1.0) -> list[int]:
    clock = [0.0]
    faults, found = Faults([line], seed), []
    faults.begin(lambda: clock[0])
    for number in range(1, occasions + 1):
        if faults.happens(line.device, line.fault) is not None:
            found.append(number)
        clock[0] += each_s
    assert [int(at_s) + 1 for at_s, _, _ in faults.told] == found
    return found


def test_when_a_fault_happens() -> None:
    assert strikes(Injection("ot2", "clot", 1.0), 5) == [1]
    assert strikes(Injection("ot2", "clot", 1.0, action=3), 9) == [3]
    assert strikes(Injection("ot2", "clot", 1.0, action=3, for_s=2.0), 9) == [3, 4, 5]
    assert strikes(Injection("ot2", "clot", 1.0, time_s=4.0), 9) == [5]
    assert strikes(Injection("ot2", "clot", 1.0, time_s=4.0, for_s=1.5), 9) == [5, 6]
    assert strikes(Injection("ot2", "clot", 1.0, probability=1.0), 3) == [1, 2, 3]
    some = strikes(Injection("ot2", "clot", 1.0, probability=0.1), 1000)
    assert 60 < len(some) < 140
    assert some == strikes(Injection("ot2", "clot", 1.0, probability=0.1), 1000)
    assert some != strikes(Injection("ot2", "clot", 1.0, probability=0.1), 1000, seed=2)


def test_other_devices_and_faults_are_left_alone() -> None:
    faults = Faults([Injection("ot2", "clot", 0.9)])
    assert faults.happens("arm", "clot") is None
    assert faults.happens("ot2", "drip") is None
    assert faults.happens("ot2", "clot") == 0.9


def test_the_catalogue_is_whole() -> None:
    for fault in FAULTS.values():
        assert fault.does
        assert fault.answer
        assert bool(fault.unit) == bool(fault.usual)


def test_the_page_of_faults_is_of_the_catalogue() -> None:
    from sim_lab.faults import page

    assert page.catalogue() in page.FILE.read_text("utf-8"), "run: python -m sim_lab.faults.page"
