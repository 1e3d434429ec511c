"""A body on its way to one of an endpoint's servers, and what becomes of the server when it does not get there."""

from typing import NoReturn

from dialogue.errors import Reason, RunStopped
from generator.client.endpoint import Endpoint
from generator.client.keys import access
from generator.client.meter import RoleMeter
from generator.client.refusals import mend
from generator.client.retry import Again
from generator.client.servers import Paces, Server
from generator.client.transport import Broken, NotSent, Reply, Transport, Unreachable


class Wire:
    """One role's connection to one endpoint: key, clocks, servers."""

    def __init__(
        self, endpoint: Endpoint, paces: Paces, transport: Transport, totals: RoleMeter, retry_wait_s: float
    ) -> None:
        """Raises UsageError where the environment lacks the endpoint's key."""
        self._endpoint = endpoint
        self._transport = transport
        self._totals = totals
        self._retry_wait_s = retry_wait_s
        self._access = access(endpoint)
        self.servers = paces.servers(endpoint, self._access.key)
        self.scrub = self._access.scrub
        self.quote = self._access.quote

    async def send(self, body: bytes, key: str, priority: int, tokens: int) -> tuple[Server, Reply | None]:
        """The server and its reply, once its clock lets the request go.

        None where the server could not be reached, which was dealt with: ask again. Raises Again for a timeout or a
        broken connection. Leaves the clock to be settled by the caller where the status is 200.
        """
        server = self.servers.choose(key)
        try:
            await server.pace.admit(tokens, priority)
        except BaseException:
            self._totals.requests -= 1
            raise
        reply = None
        try:
            reply = await self._post(server, body)
        finally:
            if reply is None or reply.status != 200:
                server.pace.settle(tokens, 0)
        return server, reply

    async def _post(self, server: Server, body: bytes) -> Reply | None:
        timeout_s = self._endpoint.timeout_s
        try:
            return await self._transport.post(server.url, self._access.headers, body, timeout_s)
        except NotSent:
            self._totals.requests -= 1
            raise
        except Unreachable as error:
            self._totals.requests -= 1
            self.servers.away(server, self.scrub(str(error)), self._retry_wait_s)
            return None
        except TimeoutError as error:
            self.bad(server, "timeout", self.scrub(str(error)))
        except Broken as error:
            self.bad(server, "endpoint", self.scrub(str(error)))

    def bad(self, server: Server, reason: Reason, detail: str) -> NoReturn:
        """Note a failure against its server, and raise Again."""
        self.servers.bad(server, detail)
        raise Again(reason, detail) from None

    def stop(self, server: Server, reply: Reply, complaint: str) -> NoReturn:
        """End the run with one line that says where, what, and how to mend it."""
        hint = mend(reply, self._endpoint.api_key_env)
        raise RunStopped(
            f"endpoint {self._endpoint.name} ({server.base_url}), model {self._endpoint.model}: "
            f"{complaint}; {self.scrub(hint)}"
        )
