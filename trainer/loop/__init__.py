"""The training itself: steps, schedules, checkpoints, and what one sees of them."""
