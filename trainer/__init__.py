"""Trainer: from kept dialogues to a model that talks, and that can be the next round's generator."""
