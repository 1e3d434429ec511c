from typing import Any

from generator.tally import fold

PAID = {"requests": 1, "prompt_tokens": 10, "completion_tokens": 4}


def folded(*events: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    totals: dict[str, Any] = {}
    for event in events:
        fold(totals, event)
    return totals["tally"].get("noted", {}), totals["meter"]["roles"]


def test_a_reply_that_was_refused_is_counted_once_and_so_is_its_fault() -> None:
    noted, paid = folded(
        {"k": "reply", "side": "user", "usage": PAID, "noted": "length"},
        {"k": "turn", "side": "user", "usage": PAID, "plan": {"act": "more", "again": "length"}, "refused": 1},
    )
    assert noted == {"length": 1}
    assert paid["user"] == {"requests": 2, "prompt_tokens": 20, "completion_tokens": 8, "replies": 2, "longest": 4}


def test_in_a_journal_of_an_earlier_version_the_turn_itself_tells() -> None:
    both = {name: 2 * count for name, count in PAID.items()}
    noted, paid = folded({"k": "turn", "side": "user", "usage": both, "plan": {"act": "more", "again": "length"}})
    assert noted == {"length": 1}
    assert paid["user"] == {"requests": 2, "prompt_tokens": 20, "completion_tokens": 8, "replies": 2, "longest": 4}


def test_what_was_let_stand_and_what_a_dialogue_was_given_up_for_are_counted() -> None:
    noted, _ = folded(
        {"k": "turn", "side": "assistant", "usage": PAID, "noted": "assistant_unasked_kept"},
        {"k": "spent", "side": "assistant", "usage": {"requests": 0}, "noted": "ratings"},
        {"k": "reply", "side": "assistant", "usage": PAID},
    )
    assert noted == {"assistant_unasked_kept": 1, "ratings": 1}


def test_a_reply_that_was_no_list_is_paid_for_and_is_no_list() -> None:
    totals: dict[str, Any] = {}
    fold(totals, {"k": "list", "key": "topic/0", "reply": {}, "usage": PAID})
    fold(totals, {"k": "list", "key": "topic/0", "items": [], "usage": PAID, "how": "text"})
    assert totals["tally"]["lists"] == {"text": 1}
    assert totals["meter"]["roles"]["opener"]["requests"] == 2
