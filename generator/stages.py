"""Which kind of stage a job needs."""

from generator.later import Continuation, Reanswering
from generator.preference import Preference
from generator.recital import Recital
from generator.stage import Job, Scenery, Stage
from prompts.sector import Taken

TAKING: dict[Taken, type[Stage]] = {"continue": Continuation, "reanswer": Reanswering, "preference": Preference}


def stage_for(scenery: Scenery, job: Job) -> Stage:
    """The stage that the job's kind of dialogue needs."""
    if scenery.sector.takes:
        return TAKING[scenery.sector.takes](scenery, job)
    return Recital(scenery, job) if not job.own and scenery.sector.whole(job.seed.kind) else Stage(scenery, job)
