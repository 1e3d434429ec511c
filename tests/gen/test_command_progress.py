"""What a long command tells of itself, on a terminal and elsewhere."""

import io

from gen.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(steps: list[tuple[float, str, int, int]], unit: str = "bytes") -> list[str]:
    """The lines after steps of (moment, stage, done, total)."""
    file, moment = io.StringIO(), [0.0]
    progress = Progress(unit, file, lambda: moment[0])
    for at, stage, done, total in steps:
        moment[0] = at
        progress.show(stage, done, total)
    return file.getvalue().splitlines()


def test_what_ends_soon_says_nothing() -> None:
    assert told([(0.0, "scanning", 0, 100), (4.0, "scanning", 100, 100)]) == []


def test_a_line_every_five_seconds_tells_amount_rate_and_time_left() -> None:
    steps = [(float(s), "scanning", s * 2_000_000, 100_000_000) for s in range(12)]
    assert told(steps) == [
        "scanning: 10.0 MB of 100.0 MB · 2.0 MB/s · ETA 45 s",
        "scanning: 20.0 MB of 100.0 MB · 2.0 MB/s · ETA 40 s",
    ]


def test_the_rate_is_that_of_the_present_stage() -> None:
    assert told([(0.0, "a", 0, 10**9), (3.0, "a", 10**9, 10**9), (3.0, "b", 0, 10**6), (6.0, "b", 3000, 10**6)]) == [
        "b: 3.0 kB of 1.0 MB · 1.0 kB/s · ETA 17 min"
    ]


def test_a_stage_without_an_amount_is_named_alone() -> None:
    assert told([(0.0, "self-test", 0, 1), (6.0, "self-test", 0, 1)]) == ["self-test"]


def test_questions_are_counted_as_such() -> None:
    assert told([(0.0, "asking", 0, 900), (10.0, "asking", 15, 900)], "questions") == [
        "asking: 15 questions of 900 questions · 1.5 questions/s · ETA 10 min"
    ]


def test_on_a_terminal_there_is_a_bar_and_notes_stand_above_it() -> None:
    file = Terminal()
    with Progress("bytes", file, iter(map(float, range(100))).__next__) as progress:
        progress.show("scanning", 0, 1000)
        progress.show("scanning", 500, 1000)
        progress.say("a note [bold]as it is[/bold]")
    assert "scanning: 500 bytes of 1.0 kB" in file.getvalue()
    assert "a note [bold]as it is[/bold]" in file.getvalue()
