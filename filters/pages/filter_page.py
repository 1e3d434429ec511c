"""The report as a page."""

from collections.abc import Mapping
from typing import Any


def filter_page(report: Mapping[str, Any]) -> str:
    """The page."""
    return ""
