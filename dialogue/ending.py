"""How a model that speaks as the user ends a dialogue: by a message that says nothing, or nothing but this signal."""

END = "<|endconversation|>"
"""UserLM's (arXiv 2510.06552). In training it is words like any other, so that a template needs no token for it."""


def parted(text: str, signal: str = END) -> tuple[str, bool]:
    """What is said, and whether it ended with the signal; text glued to the signal is never lost."""
    text = text.strip()
    return (text[: -len(signal)].rstrip(), True) if text.endswith(signal) else (text, False)
