"""What a run's line of progress says."""

import io

from generator.progress import Progress, State


def shown(done: int, n: int, about: str | None = None) -> str:
    file = io.StringIO()
    progress = Progress(file, lambda: 0.0, about=about)
    progress.say("a note")
    progress.show(State(done, n, 0, 0, 0, None, 0, "nothing"), last=True)
    return file.getvalue()


def test_a_folder_that_holds_more_than_is_asked_for_is_no_share_of_it() -> None:
    assert "\n12 dialogues, more than the 3 asked for · " in shown(12, 3)
    assert "\n3/3 dialogues · " in shown(3, 3)
    assert "\n0/3 dialogues · " in shown(0, 3)


def test_every_line_says_what_it_is_about_where_that_is_told() -> None:
    assert [line.split(" ")[0] for line in shown(1, 3, "recall").splitlines()] == ["recall:", "recall:"]
