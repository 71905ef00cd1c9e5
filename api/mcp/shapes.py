"""Answers that only tools have: what over HTTP is several."""

from typing import Any

from api import models as m


class LabDescription(m.Model):
    """The lab, what it does now, and who asks."""

    lab: m.LabInfo
    status: m.Status
    you: m.Me


class Guide(m.Model):
    """All that is needed to write a protocol."""

    guide: str
    json_schema: dict[str, Any]
    library: list[str]


class Runs(m.Model):
    """Some runs."""

    runs: list[m.Run]
    next: str | None


class Data(m.Model):
    """Some rows of a run's table, of `total`."""

    rows: list[m.Reading]
    total: int


class Plans(m.Model):
    """Plans of Bluesky's."""

    plans: list[m.PlanInfo]
