"""Statistics of a corpus of dialogues: how much there is, how varied it is, and whether its users pass for people."""
