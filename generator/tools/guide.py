"""What an assistant with tools is told, in the language of its dialogue: the templates under prompts/tools/.

The first text is the dialogue's system message, and kept; the others stand in requests alone.
"""

from collections.abc import Sequence

from prompts.loader import Prompts
from prompts.names import FALLBACK, folder, tongue
from prompts.sector import Sector
from prompts.tasks import ToolPlan, toolbox

HOME = "tools"


class Guide:
    """The texts that an assistant with tools is given, in the language of its dialogue."""

    def __init__(self, prompts: Prompts, language: str, enabled: Sequence[str], commands: int) -> None:
        self._prompts = prompts
        self._language = language
        self.enabled = enabled
        self.commands = commands

    def meta(self, system: str | None) -> str:
        """The dialogue's system message, under a user's own, if there is one."""
        return self._render("meta", system=system, enabled=self.enabled)

    def protocol(self) -> str:
        """How a reply has to look."""
        tool = self.enabled[0] if self.enabled else None
        name = tongue(self._prompts, self._language).name
        return self._render("protocol", tool=tool, commands=self.commands, language=name)

    def results(self, text: str) -> str:
        """The message that brings the results."""
        return self._render("results", results=text)

    def again(self, fault: str, evidence: str) -> str:
        """What was wrong with the last reply."""
        return self._render("again", fault=fault, evidence=evidence)

    def _render(self, name: str, **variables: object) -> str:
        code = folder(self._prompts, self._language)
        where = code if self._prompts.path(f"{HOME}/{code}/{name}.j2") else FALLBACK
        return self._prompts.render(f"{HOME}/{where}/{name}.j2", **variables)


def guide_of(prompts: Prompts, sector: Sector, language: str, plan: ToolPlan) -> Guide | None:
    """The guide of a dialogue; None where its sector has no tools."""
    if sector.tool_file is None:
        return None
    return Guide(prompts, language, plan.enabled, toolbox(prompts, sector.tool_file).commands)
