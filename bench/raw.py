"""The floor under any client: plain aiohttp workers that post chat requests, with nothing around them.

    python -m bench.raw URL --requests 20000 [--workers 64] [--bytes 5000]

uvloop, orjson, one connection pool; every body is encoded anew, every reply parsed and its text and usage read. Half of
the bodies ask as a simulated user does. No retry, no limit, no journal, no dialogue.
"""

import argparse
import asyncio
import sys
from itertools import repeat

import aiohttp
import orjson
import uvloop

HEADERS = {"content-type": "application/json", "authorization": "Bearer none"}
NOTE = "\n\n* * *\nYour next message: ask about a detail, as a question, 12-12 words."


def body(size: int, note: str) -> bytes:
    """A chat request of about so many bytes, in four messages."""
    text = "How do tides work where the bay is narrow? " * max(1, size // 4 // 43)
    roles = ("system", "user", "assistant", "user")
    messages = [{"role": role, "content": text} for role in roles]
    messages[-1]["content"] += note
    return orjson.dumps({"model": "mock", "messages": messages, "temperature": 1.0, "seed": 1})


async def worker(session: aiohttp.ClientSession, url: str, size: int, left: "repeat[None]") -> int:
    """Ask while there is something to ask; the tokens that were paid for."""
    tokens = 0
    for turn, _ in enumerate(left):
        async with session.post(url, data=body(size, NOTE if turn % 2 else ""), headers=HEADERS) as reply:
            answer = orjson.loads(await reply.read())
        assert answer["choices"][0]["message"]["content"]
        tokens += answer["usage"]["total_tokens"]
    return tokens


async def ask(base_url: str, requests: int, workers: int, size: int) -> int:
    """The tokens of so many requests, so many of them at a time."""
    left = repeat(None, requests)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        url = f"{base_url}/chat/completions"
        return sum(await asyncio.gather(*(worker(session, url, size, left) for _ in range(workers))))


def command(base_url: str, requests: int, workers: int, size: int) -> list[str]:
    """The command line that asks so."""
    flags = ["--requests", str(requests), "--workers", str(workers), "--bytes", str(size)]
    return [sys.executable, "-m", "bench.raw", base_url, *flags]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--bytes", type=int, default=5_000)
    asked = parser.parse_args()
    print(uvloop.run(ask(asked.url, asked.requests, asked.workers, asked.bytes)))


if __name__ == "__main__":
    main()
