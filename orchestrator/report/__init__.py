"""The report of a run for people: one HTML file with everything in it."""

from orchestrator.report.write import write_report

__all__ = ["write_report"]
