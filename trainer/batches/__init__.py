"""Which dialogues stand together in a step, and the tensors they become."""
