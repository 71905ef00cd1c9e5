"""What every way to ask a person must do."""

from hardware_tests.bench import Bench

ROLE = "Operator"


def test_a_task_ends_when_it_is_confirmed(bench: Bench) -> None:
    """A task is told, done and confirmed."""

    async def story(bench: Bench) -> None:
        await bench.do("confirm", message="Look at the deck and confirm.")

    bench.run(story)


def test_what_was_confirmed_is_not_asked_again(bench: Bench) -> None:
    """A new driver recalls it."""

    async def story(bench: Bench) -> None:
        await bench.do("confirm", message="Look at the deck and confirm.")
        await bench.restart()
        assert (await bench.recall()).state == "done"

    bench.run(story)
