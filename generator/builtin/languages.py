"""The languages that builtin writes; a request in any other is answered with HTTP 400."""

LANGUAGES: tuple[str, ...] = ("en", "zh", "zh-TW")
"""Each has a file of phrase banks here. A run checks its languages against these before its first request."""
