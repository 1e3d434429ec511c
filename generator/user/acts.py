"""What the simulated user does next: one act a turn, with its form, its length, what it lets out and how it begins.

Left to themselves, models that play users ask a question 98 times in 100, begin two in three with "can you", and write
them all of one length. So all that is drawn here, by shares that a user can edit (users/acts.toml), and the model only
words it. A plan is a pure function of the script's key, the turn's number, the plans before it and the last answer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf

from pydantic import JsonValue

from dialogue.chance import draw, share
from dialogue.errors import UsageError
from dialogue.records import Record
from generator.user.asked import asked_for
from generator.user.goals import GOALS, Goal
from generator.user.personas import Persona
from generator.user.shape import ACTS, Shapes, first_word, lengthened, opening, shapes, span
from prompts.loader import Prompts

WORDS_FOR_A_FACT = 11
"""A message that lets out a fact is planned no shorter than about this."""

_ASKS = re.compile(r"[?？؟][\"'”’»」』)）*_\s]*\Z")


class TurnPlan(Record):
    """What one message of the user shall be."""

    number: int
    act: str
    form: str
    words: tuple[int, int]
    """Least and most, as `dialogue.likeness.words` counts them."""
    release: str | None = None
    """The held fact that comes out."""
    value: str | None = None
    """What of it has to be said word for word, so that an answer can be checked."""
    detail: str | None = None
    """What the act is about: the change of mind, the misconception, what is asked for again."""
    asks: str | None = None
    """The key of the fact that is asked for again."""
    opening: str | None = None
    """How the message begins; None: the model begins as it likes, with none of `avoid`."""
    avoid: tuple[str, ...] = ()
    doubt_right: bool | None = None
    """Whether a doubt is aimed at something right."""
    thanks: bool = False
    leave: bool = False
    """Whether the model may end the dialogue instead, if it is long enough: nothing is held any more."""

    def noted(self) -> dict[str, JsonValue]:
        """What of the plan goes to the journal: enough to plan the turns after it, and to compare with the outcome."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.__dict__.items()
            if name != "avoid" and value is not None and value is not False
        }


@dataclass(frozen=True, slots=True)
class Rules:
    """acts.toml as one column and one language need it."""

    turns: Sequence[Mapping[str, float]]
    """Shares times multipliers, for turns 2, 3 ... ; the last is for all later ones."""
    persona: Mapping[str, Mapping[str, Mapping[str, float]]]
    forms: Mapping[str, Mapping[str, float]]
    answer_asked: float
    tells_asked: bool
    """Whether what is asked for comes out with the answer: of the held facts the one that the question is after."""
    while_held: float
    doubt_right: float
    carriers: Sequence[str]
    riders: Sequence[str]
    leaves: Sequence[str]
    mentions: Mapping[str, float]
    reminds: bool
    """Whether facts are asked for again: one at least is then, and its turn is kept free."""
    brief: tuple[int, int] | None
    """Least and most words of every message, where they do not go by the person."""
    look: Shapes


@cache
def rules(prompts: Prompts, column: str, language: str) -> Rules:
    """The rules of a sector's column in a language."""
    data = prompts.data(ACTS)
    if column not in data["shares"]:
        raise UsageError(f"{ACTS}: shares: no column {column!r} (there are: {', '.join(data['shares'])})")
    shares: Mapping[str, float] = data["shares"][column]
    count = max(len(row) for row in data["turns"].values())
    ones = [1.0] * count
    form = data["forms"]["columns"].get(column, data["forms"]["default"])
    forms = data["forms"]["acts"] | data["forms"]["column_acts"].get(column, {})
    brief = data["brief"].get(column)
    return Rules(
        turns=[{act: s * data["turns"].get(act, ones)[turn] for act, s in shares.items()} for turn in range(count)],
        persona=data["persona"],
        forms={act: forms.get(act, form) for act in shares},
        answer_asked=data["rules"]["answer_asked_in"].get(column, data["rules"]["answer_asked"]),
        tells_asked=column in data["rules"]["answer_asked_in"],
        while_held=data["rules"]["while_held_in"].get(column, data["rules"]["while_held"]),
        doubt_right=data["rules"]["doubt_right"],
        carriers=data["carriers"],
        riders=data["riders"],
        leaves=data["leaves"],
        mentions=prompts.data(GOALS)["mentions"],
        reminds=shares["remind"] > 0,
        brief=(brief[0], brief[1]) if brief else None,
        look=shapes(prompts, language),
    )


def asks(answer: str) -> bool:
    """Whether the text ends in a question."""
    return _ASKS.search(answer[-40:]) is not None


def plan_turn(
    law: Rules, person: Persona, card: Goal, rounds: int, number: int, past: Sequence[TurnPlan], answer: str, key: str
) -> TurnPlan:
    """The plan of the user's turn `number` (2, 3 ...) after `answer`; `past` are the plans of the turns before it."""
    told, asked = {plan.release for plan in past}, {plan.asks for plan in past if plan.asks}
    held = [fact for fact in card.facts if not fact.told and fact.text not in told]
    askable = card.askable(told, asked)
    belief = card.misconception if all(plan.detail != card.misconception for plan in past) else None
    change = card.change if all(plan.detail != card.change for plan in past) else None
    must = len(held) > max(0, rounds - number - law.reminds)
    weights = _weights(law, person.traits, number, past, answer, bool(held), bool(held or belief), bool(askable))
    act = draw(weights, share(key, number, "act"))
    if law.reminds and number == rounds and askable and not asked:
        act = "remind"
    elif must and act not in law.riders and act not in law.carriers:
        act = "own_case" if law.turns[0]["own_case"] and not weights["reveal"] else "reveal"
    carries = act in law.carriers and not (act == "correct" and belief)
    rides = act in law.riders and share(key, number, "tell") < law.mentions[person.traits["disclosure"]]
    release = held[0] if held and act != "remind" and (must or carries or rides) else None
    if act == "answer" and held and law.tells_asked:
        release = asked_for(held, answer)
    again = askable[int(share(key, number, "asks") * len(askable))] if act == "remind" else None
    form = draw(law.forms[act], share(key, number, "form"))
    least, most, begins, avoid = _look(law, person, number, past, act, form, release is not None, key)
    return TurnPlan.model_construct(
        number=number,
        act=act,
        form=form,
        words=(least, most),
        release=release.text if release else None,
        value=release.value
        if release and not law.tells_asked
        else None,  # told as one tells it: no answer is held to it
        detail=again.ask if again else belief if act == "correct" else change if act == "change" else None,
        asks=again.key if again else None,
        opening=begins,
        avoid=avoid,
        doubt_right=share(key, number, "doubt") < law.doubt_right if act == "doubt" else None,
        thanks=number == rounds and person.traits["ending"] == "thanks",
        leave=not held and (bool(asked) or not law.reminds) and person.traits["ending"] in law.leaves,
    )


def _look(
    law: Rules, person: Persona, number: int, past: Sequence[TurnPlan], act: str, form: str, releases: bool, key: str
) -> tuple[int, int, str | None, tuple[str, ...]]:
    """Least and most words, the first word or None, and the first words that are barred."""
    if law.brief is not None:
        return *law.brief, None, ()
    used = [first_word(plan.opening) for plan in past if plan.opening]
    room = max(WORDS_FOR_A_FACT if releases else 0, law.look.shortest.get(act, 0))
    habit = person.traits["length"]
    times = lengthened(law.look, act, person.traits)
    longest = law.look.longest.get(act, inf)
    least, most = span(law.look, law.look.lengths, habit, share(key, number, "words"), room, longest, times)
    to_begin = 0 if releases else most
    return least, most, *opening(law.look, act, form, person.traits, to_begin, used, share(key, number, "opening"))


def _weights(
    law: Rules,
    traits: Mapping[str, str],
    number: int,
    past: Sequence[TurnPlan],
    answer: str,
    held: bool,
    correctable: bool,
    askable: bool,
) -> dict[str, float]:
    """The acts' weights for a turn, hard rules applied."""
    weights = dict(law.turns[min(number - 2, len(law.turns) - 1)])
    for dimension, values in law.persona.items():
        for act, times in values.get(traits[dimension], {}).items():
            weights[act] *= times
    # Told to answer where nothing was asked, a model makes up both the question and its answer.
    weights["answer"] *= law.answer_asked if asks(answer) else 0.0
    weights["reveal"] *= law.while_held if held else 0.0
    weights["remind"] *= askable
    if correctable:
        weights["correct"] *= law.while_held
    else:
        # There is nothing to put right with information: what would have been a correction becomes a change.
        weights["change"] += weights["correct"]
        weights["correct"] = 0.0
    last = past[-1].act if len(past) > 1 and past[-1].act == past[-2].act else None
    if last == "answer" and law.tells_asked and asks(answer):  # who is asked a third time answers a third time
        last = None
    if last is not None and any(weight for act, weight in weights.items() if act != last):
        weights[last] = 0.0
    return weights
