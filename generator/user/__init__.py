"""The simulated user: what is drawn for a dialogue, and what each of its turns is asked to do."""
