"""What a person must approve does not run on the real lab before that; on the twin nothing can be hurt."""

from typing import TYPE_CHECKING

from cli.output import EXIT_REFUSED, failure

if TYPE_CHECKING:
    from protocols.check import Checked


def require_approval(verb: str, checked: "Checked", world: str) -> None:
    """Refuse for the real lab what waits for an approval; raises `Failure` that names each finding."""
    if world == "real" and checked.approvals:
        found = "\n".join(map(str, checked.approvals))
        raise failure(verb, EXIT_REFUSED, f"a person must approve it before it runs on the real lab:\n{found}")
