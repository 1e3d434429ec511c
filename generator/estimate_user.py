"""What a request for a user's turn holds beside the dialogue: a simulator's block, cue and note, or a brief."""

from dialogue.records import Seed
from generator.settings import RunSettings
from generator.stage import sentinel_of
from generator.trained_user import brief_of
from generator.user.script import Script
from prompts.loader import Prompts


def user_texts(
    settings: RunSettings, prompts: Prompts, seed: Seed, plan: Script, number: int = 2
) -> tuple[list[str], str]:
    """What stands above each request, and the note below that for turn `number`; of a trained user a brief at most."""
    role = settings.roles["user"]
    if role.trained:
        told = brief_of(prompts, seed, plan) if role.brief else None
        return [told] if told else [], ""
    sentinel = sentinel_of(settings.seed)
    note = plan.note(prompts, plan.turn(number, (), ""), may_end=True, sentinel=sentinel)
    return [plan.block(prompts, sentinel), plan.cue(prompts)], note
