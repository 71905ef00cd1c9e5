"""Who may do what: every role with every verb, and what a lab's own policies may add."""

import itertools
from pathlib import Path

import pytest

from api.identity.principal import HAZARDS, Principal, Terms, principal
from api.permission import BadPolicies, Permission
from api.permission.verbs import VERBS
from labfile import read
from labfile.lab import Lab
from labfile.model import Budget

ROOT = Path(__file__).resolve().parents[2]
PERMISSION = Permission("cell-1")
#: What facts are when nothing speaks against a verb.
PLAIN = {"hazard": 0, "approved": False, "over_budget": False, "own": False, "moves": False}
#: Verbs that no agent may do, whatever anyone wrote into lab.toml or a token.
HUMAN = ("approve", "settle", "clear", "admin")


@pytest.fixture(scope="module")
def lab() -> Lab:
    return read(ROOT / "lab.toml")


def facts(verb: str) -> dict[str, object]:
    told: dict[str, object] = {name: PLAIN[name] for name in VERBS[verb].facts}
    return told | ({"level": "low"} if verb == "approve" else {})


@pytest.mark.parametrize("verb", VERBS)
def test_the_matrix_of_roles_and_verbs(lab: Lab, verb: str) -> None:
    for name in (*lab.people, *lab.agents):
        who = principal(lab, name)
        assert who is not None
        needs = "approve:low" if verb == "approve" else VERBS[verb].needs
        wanted = verb == "stop" or needs in who.may
        told = PERMISSION.decide(who, verb, world="twin", **facts(verb))
        assert told.allowed == wanted, (name, verb, told)
        assert told.reason


def everything(kind: str, ceiling: str = "high") -> Principal:
    may = {verb.needs for verb in VERBS.values()} | {f"approve:{hazard}" for hazard in HAZARDS}
    return Principal("x", kind, frozenset(may), ceiling, Budget())  # type: ignore[arg-type]


@pytest.mark.parametrize("verb", VERBS)
def test_an_agent_with_every_word_is_still_an_agent(verb: str) -> None:
    allowed = PERMISSION.decide(everything("agent"), verb, world="twin", **facts(verb)).allowed
    assert allowed == (verb not in HUMAN)


def test_nobody_approves_what_they_asked_for() -> None:
    told = PERMISSION.decide(everything("person"), "approve", world="twin", level="low", own=True)
    assert not told.allowed
    assert "Nobody approves" in told.reason


@pytest.mark.parametrize(
    ("kind", "ceiling", "world", "hazard", "approved"),
    list(itertools.product(("person", "agent"), HAZARDS, ("twin", "real"), (0, 1, 2), (False, True))),
)
def test_hazards(kind: str, ceiling: str, world: str, hazard: int, approved: bool) -> None:
    who = everything(kind, ceiling)
    told = PERMISSION.decide(who, "submit", world=world, hazard=hazard, approved=approved, over_budget=False)
    alone = hazard <= HAZARDS.index(ceiling) and (world == "twin" or hazard == 0)  # type: ignore[arg-type]
    assert told.allowed == (approved or alone)
    over = PERMISSION.decide(who, "submit", world=world, hazard=hazard, approved=approved, over_budget=True)
    assert not over.allowed, "an approval never raises a budget"


@pytest.mark.parametrize(
    ("kind", "world", "moves", "over"),
    list(itertools.product(("person", "agent"), ("twin", "real"), (False, True), (False, True))),
)
def test_plans(kind: str, world: str, moves: bool, over: bool) -> None:
    """Also what an agent may reach by the tool `run_plan`: the same verb decides."""
    told = PERMISSION.decide(everything(kind), "run_plan", world=world, moves=moves, over_budget=over)
    unseen = kind == "agent" and world == "real" and moves
    assert told.allowed == (not over and not unseen)
    nobody = Principal("x", kind, frozenset({"read"}), "high", Budget())  # type: ignore[arg-type]
    assert not PERMISSION.decide(nobody, "run_plan", world=world, moves=moves, over_budget=over).allowed


@pytest.mark.parametrize("verb", VERBS)
def test_what_cannot_be_decided_is_denied(verb: str) -> None:
    if VERBS[verb].facts:
        level = {"level": "low"} if verb == "approve" else {}
        assert not PERMISSION.decide(everything("person"), verb, world="twin", **level).allowed


@pytest.mark.parametrize("verb", ["abort", "pause", "resume"])
def test_who_submitted_a_run_may_end_it(verb: str) -> None:
    who = Principal("x", "agent", frozenset({"submit"}), "low", Budget())
    assert PERMISSION.decide(who, verb, world="twin", own=True).allowed
    assert not PERMISSION.decide(who, verb, world="twin", own=False).allowed


def test_a_lab_may_forbid_more() -> None:
    strict = Permission("cell-1", 'forbid (principal is Agent, action == Action::"submit", resource);')
    who = everything("agent")
    assert not strict.decide(who, "submit", world="twin", hazard=0, approved=False, over_budget=False).allowed
    assert strict.hash != PERMISSION.hash


@pytest.mark.parametrize(
    "text",
    [
        "permit (principal, action, resource);",
        'forbid (principal, action == Action::"read", resource); permit (principal, action, resource);',
        "permit (principal == ?principal, action, resource);",
        "not a policy",
        'forbid (principal, action == Action::"fly", resource);',
        "forbid (principal, action, resource) when { principal.shoe_size > 3 };",
    ],
)
def test_a_lab_may_not_allow_more_nor_say_nonsense(text: str) -> None:
    with pytest.raises(BadPolicies):
        Permission("cell-1", text)


def test_a_token_only_narrows(lab: Lab) -> None:
    wide = Terms(scopes=frozenset({"submit", "approve:high", "admin"}), hazard_ceiling="high",
                 budget=Budget(runs_per_day=1000, money_per_day=5))  # fmt: skip
    who = principal(lab, "explorer", wide)
    assert who is not None
    assert who.may == {"submit"}
    assert (who.hazard_ceiling, who.budget.runs_per_day, who.budget.money_per_day) == ("low", 40, 5)
    assert principal(lab, "stranger") is None
