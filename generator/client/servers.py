"""The servers of a run, as all its requests know them: their clocks, which one a dialogue talks to, who is away.

A server that cannot be reached is

    passed over for 30 s        where another one serves the same model
    given up after 8 s          where no server has answered anything since the run began: the address is wrong
    waited for, up to 120 s     where it answered before: the shared clock is paused, one request at a time goes to see
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from dialogue.chance import hash64
from dialogue.errors import RunStopped
from generator.client.endpoint import Endpoint, chat_url
from generator.client.keys import Secret
from generator.pace.pace import Pace

BAD_IN_A_ROW = 3
"""Failed attempts after which a server that answers nothing usable counts as away, where there is another."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a run bears with its servers; seconds."""

    refused_s: float = 8.0
    """Without a connection, before anything was ever answered."""
    gone_s: float = 120.0
    """Without a connection, after that."""
    rejected_s: float = 900.0
    """With nothing but 429s."""
    passed_over_s: float = 30.0
    """Until a server that was away is tried again, where there are others."""
    probe_s: tuple[float, float] = (1.0, 5.0)
    """Shortest and longest pause between two looks at a server that is away."""


class Server:
    """One server, with one key."""

    def __init__(self, base_url: str, pace: Pace) -> None:
        self.base_url = base_url
        self.url = chat_url(base_url)
        self.pace = pace
        self.answered = False
        """Whether it has given a usable reply in this run."""
        self.away_since: float | None = None
        self.passed_over_until = 0.0
        self.rejecting_since: float | None = None
        self.bad = 0

    @property
    def untroubled(self) -> bool:
        """Whether its last reply was a usable one."""
        return self.answered and self.away_since is None and self.rejecting_since is None and not self.bad

    def recover(self) -> None:
        """Forget all trouble."""
        self.answered, self.away_since, self.passed_over_until = True, None, 0.0
        self.rejecting_since, self.bad = None, 0


class Servers:
    """An endpoint's servers: one, or several of one model."""

    def __init__(
        self, endpoint: Endpoint, servers: tuple[Server, ...], patience: Patience, say: Callable[[str], None]
    ) -> None:
        self._endpoint = endpoint
        self._servers = servers
        self._patience = patience
        self._say = say

    def choose(self, key: str) -> Server:
        """A dialogue's own server; while that one is passed over, another that is the same for all its turns."""
        if len(self._servers) == 1:
            return self._servers[0]
        now = _now()
        there = [server for server in self._servers if server.passed_over_until <= now]
        return max(there or self._servers, key=lambda server: hash64(server.base_url, key))

    def well(self, server: Server) -> None:
        """Take note that a server gave a usable reply."""
        if server.untroubled:
            return
        if server.away_since is not None:
            self._say(f"{self._where(server)} is back")
        server.recover()

    def bad(self, server: Server, detail: str) -> None:
        """Take note of a timeout, a broken connection or a reply that is none."""
        server.bad += 1
        server.rejecting_since = None
        if server.bad >= BAD_IN_A_ROW and self._others(server):
            self._pass_over(server, detail)

    def rejected(self, server: Server, wait_s: float | None, complaint: str) -> None:
        """Move the shared clock for a 429; RunStopped after too long a time of nothing else."""
        now = _now()
        server.pace.rejected(wait_s)
        server.rejecting_since = now if server.rejecting_since is None else server.rejecting_since
        if now - server.rejecting_since >= self._patience.rejected_s:
            waited = self._patience.rejected_s / 60
            raise RunStopped(f"{self._where(server)}: nothing but 429s for {waited:.0f} minutes: {complaint}")

    def away(self, server: Server, detail: str, wait_s: float) -> None:
        """Pass over a server that cannot be reached, or pause its clock; RunStopped when that has gone on too long."""
        now, news = _now(), server.away_since is None
        server.away_since = now if server.away_since is None else server.away_since
        if self._others(server):
            self._pass_over(server, detail)
            return
        # With several, the last one to go counts; an absence before the first answer is a wrong address.
        since = max(other.away_since for other in self._servers if other.away_since is not None)
        answered = any(other.answered for other in self._servers)
        patience_s = self._patience.gone_s if answered else self._patience.refused_s
        if now - since >= patience_s:
            raise RunStopped(
                f"{self._where(server)}: no connection for {patience_s:g} s ({detail}); "
                "is it running, and is base_url right?"
            )
        if news:
            self._say(f"{self._where(server)} cannot be reached ({detail}); trying on")
        shortest, longest = self._patience.probe_s
        server.pace.pause(min(max(shortest, (now - since) / 4), longest) * wait_s)

    def _others(self, server: Server) -> bool:
        now = _now()
        return any(
            other is not server and other.away_since is None and other.passed_over_until <= now
            for other in self._servers
        )

    def _pass_over(self, server: Server, detail: str) -> None:
        now = _now()
        if server.passed_over_until == 0.0:
            self._say(f"{self._where(server)} is passed over ({detail}); its dialogues go on elsewhere")
        server.away_since = now if server.away_since is None else server.away_since
        server.passed_over_until = now + self._patience.passed_over_s
        server.bad = 0

    def _where(self, server: Server) -> str:
        return f"endpoint {self._endpoint.name} ({server.base_url})"


class Paces:
    """One clock for each server and key, shared by all roles of a run."""

    def __init__(
        self,
        *,
        slots: int,
        say: Callable[[str], None],
        patience: Patience | None = None,
        make: Callable[[float | None, float | None, Callable[[str], None]], Pace] = Pace,
    ) -> None:
        self.slots = slots
        """Dialogues under way at the same time."""
        self._say = say
        self._patience = patience or Patience()
        self._make = make
        self._servers: dict[tuple[object, ...], Server] = {}
        self._dropped: dict[tuple[object, ...], set[str]] = {}

    def servers(self, endpoint: Endpoint, key: Secret | None) -> Servers:
        """The endpoint's servers; those of another endpoint with the same address, key and limits are the same."""
        rpm, tpm = endpoint.requests_per_minute, endpoint.tokens_per_minute
        found = []
        for url in endpoint.base_url:
            place = (url, key, rpm, tpm)
            if place not in self._servers:
                self._servers[place] = Server(url, self._make(rpm, tpm, self._say))
            found.append(self._servers[place])
        return Servers(endpoint, tuple(found), self._patience, self._say)

    def dropped(self, endpoint: Endpoint) -> set[str]:
        """Parameters that this model at this endpoint has refused so far; shared, so that it is found out once."""
        return self._dropped.setdefault((endpoint.base_url, endpoint.model), set())

    @property
    def rejections(self) -> int:
        """429s so far."""
        return sum(server.pace.rejections for server in self._servers.values())

    def limiting(self) -> str:
        """What holds the requests back just now."""
        reasons = [server.pace.limiting() for server in self._servers.values()]
        return next((reason for reason in reasons if reason != "concurrency"), "concurrency")

    def close(self) -> None:
        """End the clocks."""
        for server in self._servers.values():
            server.pace.close()


def _now() -> float:
    return asyncio.get_running_loop().time()
