"""The faults that builtin plants, so that checks and filters have something real to find, each at a stated rate.

A faulty user turn is never planted twice running: where a turn note says what was wrong before, builtin behaves.
"""

from generator.builtin.grammar import Grammar
from generator.builtin.stream import Stream

USER_RATES = {"thanks": 0.010, "exchange": 0.005, "marker": 0.003, "repeat": 0.003, "refusal": 0.002}
"""Share of user turns, by fault.

thanks      nothing but thanks
exchange    speaks as the assistant
marker      a role marker or a template's token is left in
repeat      an earlier turn of the user's, word for word
refusal     refuses to play the user
"""

ANSWER_RATES = {"disclaimer": 0.010, "cut": 0.010, "repeated": 0.005, "marker": 0.003}
"""Share of answers, by fault.

disclaimer  "as an AI language model", or a refusal
cut         ends in the middle of a sentence, finish_reason "stop"
repeated    one sentence stands twice
marker      a role marker or a template's token is left in

None plants the finish reason "length", which ends a dialogue: it comes only where `max_tokens` asks for it.
"""


def planted(rates: dict[str, float], factor: float, stream: Stream) -> str | None:
    """The fault that this text gets, if any; `factor` multiplies all rates."""
    u = stream.share()
    for name, rate in rates.items():
        u -= rate * factor
        if u < 0:
            return name
    return None


def faulty_turn(
    fault: str, text: str, earlier: list[str], given: dict[str, str], grammar: Grammar, stream: Stream
) -> str:
    """A user turn with the fault; `earlier` are the user's turns so far, `text` is the turn as it would be."""
    if fault == "repeat":
        long = [turn for turn in earlier if len(turn) > 40]
        return stream.pick(long) if long else text
    sentence = grammar.one("answer.middle", given, stream)
    return grammar.one(f"faults.{fault}", {**given, "text": text, "sentence": sentence}, stream)


def cut_short(text: str, stream: Stream) -> str:
    """The text up to somewhere in its last third, never at the end of a sentence."""
    end = len(text) * 2 // 3 + stream.below(len(text) // 3 or 1)
    return text[:end].rstrip(" .!?,;:\n。！？，；：")
