"""What is no number any more is noticed before it is saved."""

from pathlib import Path

import pytest
import torch
from small_models import asked
from torch import nn

from dialogue.errors import RunStopped
from trainer.loop.parallel import Here
from trainer.loop.sound import Sound

ONE, NONE = torch.tensor(1.0), torch.tensor(float("nan"))


@pytest.fixture
def sound(tmp_path: Path) -> Sound:
    return Sound(asked(tmp_path), Here(0, 1, torch.device("cpu")))


def test_the_first_step_that_came_to_nothing_is_named_when_one_asks(sound: Sound) -> None:
    for step in range(1, 4):
        sound.saw(step, ONE, ONE)
    sound.check()
    sound.saw(4, ONE, torch.tensor(float("inf")))
    sound.saw(5, NONE, NONE)
    with pytest.raises(RunStopped, match="step 4: the loss or its gradient is no number"):
        sound.check()


def test_weights_are_looked_at_themselves(sound: Sound) -> None:
    """The last step's gradient may be a number, and the weights none behind it."""
    learner = nn.Linear(2, 2)
    sound.check(learner)
    learner.bias.data[1] = float("inf")
    with pytest.raises(RunStopped, match="the weights are no numbers any more"):
        sound.check(learner)
    learner.bias.requires_grad_(False)  # what is not trained came so
    sound.check(learner)


def test_a_loss_of_what_was_held_out_that_is_no_number_ends_it_too(sound: Sound) -> None:
    sound.check_loss(3, "loss on what was held out", 0.5)
    with pytest.raises(RunStopped, match=r"step 3: the loss on what was held out is nan; .* lr \(now 2e-05\)"):
        sound.check_loss(3, "loss on what was held out", float("nan"))
