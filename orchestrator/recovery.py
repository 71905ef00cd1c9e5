"""What may be done about an action that failed, or of which nobody knows what became.

First the truth, then the choice: an unknown outcome is settled by the device's own record, by its being harmless, by
a measurement (`witness`), or by a person; it is never replayed by guess. A failure before which nothing moved may be
tried again by policy; all else is a person's choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from drivers.core.command import Recall
from orchestrator.state import records as r
from orchestrator.state.cell import ActionState, RunState
from protocols.program import Action


@dataclass(frozen=True, slots=True)
class Policy:
    """What a lab lets the orchestrator choose by itself."""

    attempts: int = 3  # of an action that failed before anything moved
    backoff_s: float = 1.0  # before the second attempt; doubled for each further one
    outside_band: Literal["warn", "pause"] = "warn"  # when a reading is not what was predicted: go on, or pause


BY_POLICY = "policy"
ALL: tuple[r.Choice, ...] = ("retry", "skip", "by_hand", "go_back", "abort")


def offered(run: RunState, action: str) -> Sequence[r.Choice]:
    """The choices that make sense: an action of unknown outcome must be settled before it may be tried again, and the
    safe end of a run cannot be aborted."""
    was = run.actions[action]
    unknown = was.phase == "unknown" or was.outcome == "unknown"
    return tuple(
        choice for choice in ALL
        if not (unknown and choice in ("retry", "go_back")) and not (run.amended and choice in ("abort", "go_back"))
    )  # fmt: skip


def retry_after_s(was: ActionState, policy: Policy) -> float | None:
    """How long to wait before the policy tries again; None when a person must choose."""
    if was.phase != "failed" or was.outcome != "not_started" or not was.recoverable or was.attempt >= policy.attempts:
        return None
    return policy.backoff_s * 2.0 ** (was.attempt - 1)


def settle(action: Action, recalled: Recall | None) -> tuple[str, str, str] | None:
    """(verdict, by, evidence) for an unknown outcome; None when only a person can tell."""
    if recalled is not None and recalled.state == "done":
        return "done", r.BY_DEVICE, recalled.evidence
    if recalled is not None and recalled.state == "not_done":
        return "not_done", r.BY_DEVICE, recalled.evidence
    if action.harmless:
        return "not_done", "harmless", "doing it once more changes nothing"
    return None
