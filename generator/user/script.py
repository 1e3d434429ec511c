"""The script of a dialogue: everything that is drawn for it beforehand, and the prompts of the simulated user from it.

All of it follows from (run seed, dialogue id), so a dialogue taken up again, or run in another order, goes by the same
script. The prompts never change above the note: a request repeats the one before it and adds to its end, which is what
a provider's prompt cache needs. What each template is given is said in its own head.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from pydantic import JsonValue

from dialogue.chance import draw, share
from dialogue.faults import Fault
from dialogue.likeness import words as all_words
from dialogue.records import Seed
from generator.user.acts import Rules, TurnPlan, plan_turn, rules
from generator.user.goals import Case, Goal, goal, opener_habit, task_goal
from generator.user.personas import Persona, persona
from generator.user.rounds import rounds as draw_rounds
from generator.user.shape import ACTS, shapes, span
from prompts.domain import Page
from prompts.facts import fact_pool
from prompts.loader import Prompts
from prompts.names import HOME, Tongue, tongue, words
from prompts.tasks import Task


@dataclass(frozen=True, slots=True)
class Script:
    """All choices for one dialogue."""

    key: str
    """What every draw of this dialogue is seeded with."""
    language: str
    column: str
    """The sector's column in users/acts.toml."""
    topic: str | None
    persona: Persona
    goal: Goal
    rounds: int
    law: Rules
    tongue: Tongue
    noise: bool = True
    """Whether messages are typed as such a person types."""

    def turn(self, number: int, past: Sequence[TurnPlan], answer: str) -> TurnPlan:
        """The plan of the user's turn `number`, from 2 on, after the plans before it and the assistant's `answer`."""
        return plan_turn(self.law, self.persona, self.goal, self.rounds, number, past, answer, self.key)

    def block(self, prompts: Prompts, sentinel: str) -> str:
        """The system text of the simulated user, the same at every turn."""
        return prompts.render(
            f"{HOME}/{self.tongue.folder}/user.j2",
            sector=self.tongue.words["sectors"][self.column],
            language=self.tongue.name,
            foreign=self.tongue.foreign,
            situation=self.persona.situation,
            concern=self.persona.concern,
            habits=self.persona.habits,
            goal=self.goal.line,
            topic=self.topic,
            told=self.goal.texts(told=True),
            held=self.goal.texts(told=False),
            belief=self.goal.misconception,
            samples=self._samples(),
            sentinel=sentinel,
        )

    def cue(self, prompts: Prompts) -> str:
        """The fixed message that the opener answers."""
        return prompts.render(f"{HOME}/{self.tongue.folder}/cue.j2")

    def note(
        self, prompts: Prompts, plan: TurnPlan, *, may_end: bool, sentinel: str, again: Fault | None = None
    ) -> str:
        """The instruction for one turn; `again` is what was wrong with the last attempt at it."""
        wording = self.tongue.words
        return prompts.render(
            f"{HOME}/{self.tongue.folder}/note.j2",
            act=self._act(wording["acts"], plan),
            form=wording["forms"][plan.form],
            low=plan.words[0],
            high=plan.words[1],
            release=plan.release,
            value=plan.value,
            reminder=wording["note"]["reminder"],
            opening=plan.opening,
            avoid=plan.avoid,
            thanks=plan.thanks,
            language=self.tongue.name,
            foreign=self.tongue.foreign,
            may_end=may_end and plan.leave,
            sentinel=sentinel,
            again=_complaint(wording["again"], again),
        )

    def guide(self, kind: str | None) -> str | None:
        """What the assistant is told beside the dialogue, where it grew from an opener of this kind; None: nothing.

        It is asked with every answer and kept in no record, so that a model that learns from the answers does so
        without it (context distillation, arXiv 2112.00861).
        """
        guides = self.tongue.words["guide"]
        text = guides.get(kind) or guides.get("any")
        return text.format(language=self.tongue.name) if text else None

    def extra(self) -> dict[str, JsonValue]:
        """What goes to `Seed.extra`: the traits, the card, the planned rounds."""
        facts: list[JsonValue] = [fact.noted() for fact in self.goal.facts]
        return {
            "persona": {"id": self.persona.id, "traits": {**self.persona.traits}, "concern": self.persona.concern},
            "goal": {
                "line": self.goal.line,
                "facts": facts,
                "change": self.goal.change,
                "misconception": self.goal.misconception,
            },
            "rounds": self.rounds,
        }

    def _act(self, wording: Mapping[str, list[str]], plan: TurnPlan) -> str:
        """One of the act's wordings for the form, with room for a given first word where one is given.

        A change of mind, a wrong belief and a doubt of what is right have wordings of their own.
        """
        special = plan.doubt_right or plan.detail is not None
        name = _SPECIAL.get(plan.act, plan.act) if special else plan.act
        begun = plan.opening is not None and plan.form == "question"
        choices = (begun and wording.get(f"{name}_begun")) or wording.get(f"{name}_{plan.form}") or wording[name]
        chosen = choices[int(share(self.key, plan.number, "wording") * len(choices))]
        return chosen if plan.detail is None else chosen.format(detail=plan.detail)

    def _samples(self) -> list[str]:
        """Messages of people who write as this one does, some drawn for the dialogue."""
        lines: list[str] = self.tongue.words["samples"][self.persona.traits["register"]]
        return sorted(lines, key=lambda line: share(self.key, "sample", line))[:SAMPLES]


SAMPLES = 4
"""Messages of others that the card shows."""

_SPECIAL = {"change": "change_mind", "correct": "correct_belief", "doubt": "doubt_right"}


def script(
    prompts: Prompts,
    column: str,
    *,
    run_seed: int,
    id: str,
    seed: Seed,
    rounds: tuple[int, int],
    preset: str,
    own_opener: bool,
    facts: str | None = None,
    noise: bool = True,
    task: Task | None = None,
    page: Page | None = None,
) -> Script:
    """The script of the dialogue `id`. A person or a language that the seed brings along is kept.

    `own_opener`: a person wrote the opener, so that nothing of the card counts as said in it. `facts` and `noise`: the
    file of the sector's own facts, and whether its messages are typed as people type. `task`: what the opener asks for,
    where code drew it; what comes out later belongs to it too. `page`: whose client the person is.
    """
    key = key_of(run_seed, id)
    language = seed.language or "en"
    person = _client(persona(prompts, language, column, key), page, key)
    if seed.persona:
        person = person.model_copy(update={"situation": seed.persona})
    length = draw_rounds(prompts, preset, *rounds, key)
    pool = fact_pool(prompts, facts, language) if facts else None
    card = goal(prompts, language, column, person, key, own_opener=own_opener, pool=pool, case=_case(page, key))
    card = task_goal(card, task) if task else card
    law = rules(prompts, column, language)
    return Script(
        key=key,
        language=language,
        column=column,
        topic=task.topic if task else seed.subtopic or seed.topic,
        persona=person,
        goal=card.fitting(length - 1 - law.reminds),
        rounds=length,
        law=law,
        tongue=tongue(prompts, language, column),
        noise=noise,
    )


def opener_spec(
    prompts: Prompts,
    column: str,
    language: str,
    *key: object,
    facts: str | None = None,
    wanted: str | None = None,
    forms: Mapping[str, float] | None = None,
    longer: float = 1.0,
    task: Task | None = None,
    page: Page | None = None,
) -> dict[str, str]:
    """What an opener shall be, for its writer, by the person and the card that `script` draws for the same key.

    `line` says it all in one line: who writes, how well they know the topic, the form, the words, how they write, the
    first word, and what stands behind the question. Where the sector has a file of `facts`: who writes, the words, and
    what is told. Where there is a `task`: who writes, the form, the words, how they write, and what is asked for. An
    instruction says what is `wanted`, in forms of its own, and begins as it likes. `longer`: how many times longer it
    is than the person's habit has it.
    """
    place = key_of(*key)
    if facts is not None:
        return _telling_spec(prompts, column, language, place, facts)
    data, wording, look = prompts.data(ACTS)["opener"], words(prompts, language, column), shapes(prompts, language)
    person = _client(persona(prompts, language, column, place), page, place)
    told = [] if task else goal(prompts, language, column, person, place, case=_case(page, place)).texts(told=True)
    form = draw(forms or data["column_forms"].get(column, data["forms"]), share(place, "opener form"))
    # A task's figures need their room, and no more than they is told.
    room = 0 if task is None or task.passage else len(all_words(task.clause)) / look.per_word
    longest = max(room, data["words_for_a_task"]) if task else inf
    u = share(place, "opener words")
    low, high = span(look, look.opener_lengths, opener_habit(person.traits), u, room, longest, longer)
    least, most = (round(count * len(told) * look.per_word) for count in data["words_per_fact"])
    label = wording["opener"]
    parts = {
        "persona": person.situation,
        "knowledge": wanted or label["knowledge"][person.traits["knowledge"]],
        "form": label["forms"][form],
        "length": label["length"].format(low=low + least, high=high + most),
    }
    styles = [wording["traits"].get(name, {}).get(person.traits[name]) for name in data["shown"]]
    if style := label["join_facts"].join(filter(None, styles)):
        parts["style"] = style
    u = share(place, "opener begins") / data["begins"]
    if u < 1 and wanted is None and not task:  # what is asked for decides how it begins
        parts["begins"] = label["begins"].format(word=draw(wording["openers"][form], u))
    if told:
        frame = label["tells" if page and page.ask else "mentions"]
        parts["facts"] = frame.format(facts=label["join_facts"].join(told))
    if task:
        del parts["knowledge"]
        parts["task"] = label["asks"].format(task=task.clause)
    return parts | {"locale": person.traits["locale"], "line": label["join"].join(parts.values())}


def _telling_spec(prompts: Prompts, column: str, language: str, place: str, facts: str) -> dict[str, str]:
    person = persona(prompts, language, column, place)
    card = goal(prompts, language, column, person, place, pool=fact_pool(prompts, facts, language))
    label, told = words(prompts, language)["opener"], card.texts(told=True)
    low, high = (round(count * len(told)) for count in rules(prompts, column, language).brief or (4, 12))
    parts = {
        "persona": person.situation,
        "length": label["length"].format(low=low, high=high),
        "facts": label["tells"].format(facts=label["join_facts"].join(told)),
    }
    return parts | {"locale": person.traits["locale"], "line": label["join"].join(parts.values())}


def _client(person: Persona, page: Page | None, key: str) -> Persona:
    """The person as one of the page's clients, where there is a page."""
    return person.model_copy(update={"situation": page.client(key).who}) if page else person


def _case(page: Page | None, key: str) -> Case:
    return page.facts(page.client(key), key) if page else ()


def key_of(*parts: object) -> str:
    """What every draw of a dialogue is seeded with, of the run's seed and the dialogue's id."""
    return "/".join(map(str, parts))


def _complaint(wording: Mapping[str, str], fault: Fault | None) -> str | None:
    if fault is None:
        return None
    return wording.get(fault.check) or wording.get(fault.reason) or wording["other"]
