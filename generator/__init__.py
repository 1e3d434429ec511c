"""The workshop that makes dialogues: openers, two agents, and the engine that runs them under an endpoint's limits."""
