"""Assemble the report and write it whole or not at all."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from orchestrator.analysis.fits import Evaluation
from orchestrator.report import compare, curve, figures, plates, timeline
from orchestrator.run import Run, versions
from orchestrator.simulate import Prediction
from orchestrator.text import duration
from protocols.check import Checked

_TEMPLATES = Environment(
    loader=PackageLoader("orchestrator.report"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {"duration": duration, "number": figures.number, "hash": figures.short_hash}


def write_report(
    folder: Path,
    run: Run,
    checked: Checked,
    evaluation: Evaluation,
    predicted: Prediction | None,
    predicted_evaluation: Evaluation | None,
) -> Path:
    """Write `report.html` into a run's folder; a run that failed or measured nothing gets a report as well."""
    before = predicted.result if predicted is not None else None
    text = _TEMPLATES.get_template("report.html.j2").render(
        run=run,
        result=run.result,
        protocol=checked.source.protocol,
        program=checked.program,
        hashes={"protocol": checked.source.hash, "program": checked.program.hash if checked.program else ""},
        versions=versions(),
        problems=checked.problems,
        evaluation=evaluation,
        predicted=predicted,
        predicted_evaluation=predicted_evaluation,
        curves=curve.curves(evaluation),
        plates=plates.plates(checked, run.result),
        timeline=timeline.timeline(run.result, before),
        steps=compare.steps(run.result, before),
        readings=compare.readings(run.result, before),
        same_end=before is not None and before.end_state == run.result.end_state,
    )
    path = folder / "report.html"
    draft = path.with_suffix(".draft")
    draft.write_text(text, "utf-8")
    draft.replace(path)
    return path
