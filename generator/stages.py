"""Which kind of stage a job needs."""

from generator.feedback import Feedback
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
    wanted = scenery.sector.candidates(job.seed.kind, job.own)
    if wanted and scenery.guided:  # a system that is measured answers as it does
        return Feedback(scenery, job, wanted)
    return Recital(scenery, job) if not job.own and scenery.sector.whole(job.seed.kind) else Stage(scenery, job)
