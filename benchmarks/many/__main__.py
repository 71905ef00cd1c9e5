"""`python -m benchmarks.many`: eight protocols at once against one after the other, what fifty cost, and long ones."""

from pathlib import Path

from benchmarks.many.long import problem_ms
from benchmarks.many.shift import jobs, shift
from labfile import read

ROOT = Path(__file__).resolve().parents[2]
INCUBATION, DEMO = ROOT / "benchmarks/many/incubation.yaml", ROOT / "protocols/library/dye_calibration.yaml"
PLAN_S = 3.0  # for a plan; simulated time stands still meanwhile


def main() -> None:
    """The figures."""
    lab = read(ROOT / "lab.toml")
    eight = jobs(lab, [(INCUBATION, {"rest": f"{20 + 5 * number} min"}) for number in range(8)])
    one_by_one = sum(job.alone_s for job in eight)
    for name, plan_s in (("in the order of coming", 0.0), ("by the scheduler", PLAN_S)):
        came = shift(lab, eight, plan_s)
        print(f"8 incubations {name}: {came.took_s:,.0f} s; one after the other {one_by_one:,.0f} s: "
              f"{one_by_one / came.took_s:.2f} times as fast; {len(came.ends_s)} completed")  # fmt: skip
    costs: dict[int, float] = {}
    for count in (1, 50):
        came = shift(lab, jobs(lab, [(DEMO, {})]) * count, 0.0)
        costs[count] = came.wall_s / came.actions
        print(f"{count} x demo: {came.actions} actions, {costs[count] * 1e3:.2f} ms each; {len(came.ends_s)} completed,"
              f" mass kept to {came.imbalance:.1e}")  # fmt: skip
    print(f"cost of an action, 50 against 1: {costs[50] / costs[1]:.2f} times (wanted: under 1.5)")
    short, long = problem_ms(lab, 250), problem_ms(lab, 1000)
    print(f"the problem of a plan for four runs of 1,000 visits each: {long:.0f} ms; four times what 250 take would be "
          f"{4 * short:.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
