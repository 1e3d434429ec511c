"""How a model that speaks as the user ends a dialogue: by a message that says nothing, or nothing but this signal."""

END = "<|endconversation|>"
"""UserLM's (arXiv 2510.06552). In training it is words like any other, so that a template needs no token for it."""


def parted(text: str, signal: str) -> tuple[str, bool]:
    """What a simulator says, and whether it ended with its signal; text glued to the signal is never lost."""
    text = text.strip()
    return (text[: -len(signal)].rstrip(), True) if text.endswith(signal) else (text, False)


def up_to(text: str) -> tuple[str, bool]:
    """What a model of the user's side says before END, and whether it came.

    What a server lets it write behind the dialogue's end nobody says.
    """
    said, signal, _ = text.partition(END)
    return said.strip(), bool(signal)
