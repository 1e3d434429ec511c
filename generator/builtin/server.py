"""What an HTTP server would send back: bytes in, status and bytes out, a pure function of the seed and the request."""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.chance import hash64
from dialogue.faults import user_fault
from dialogue.records import Message
from generator.builtin.answers import answer
from generator.builtin.consulting import consult, told_in
from generator.builtin.grammar import grammar, wide_characters
from generator.builtin.languages import LANGUAGES
from generator.builtin.lists import ListWanted, items, list_wanted
from generator.builtin.notes import RANGE, SENTINEL, Foreign, Guide, Wanted, Wording, wordings
from generator.builtin.rater import asked_in, rated, ratings, resumed
from generator.builtin.schooling import GUIDE, solution
from generator.builtin.stream import Stream
from generator.builtin.tooling import RESULTS, has_tools, tool_turn
from generator.builtin.transcripts import asked, transcript
from generator.builtin.turns import user_turn

NOTE = "\n* * *\n"
"""The line under which a user simulator's turn note stands."""

ROLES = frozenset(("system", "developer", "user", "assistant", "tool", "function"))
CACHE_TOKENS = 1024
"""Prompts longer than this are taken as cached but for their last message, in blocks."""
CACHE_BLOCK = 128
MESSAGE_TOKENS = 4
TRADITIONAL = frozenset(
    "們個這時對說為麼過還樣問題給讓從應該關於發經濟國學會動實現點頭長見話認識語讀寫請謝書電網東車間門開與號無當"
)


SYSTEM_AND_OPENER = 2
"""Messages of an assistant's first request at most."""

REDRAWS = 8
"""A turn asked again is drawn anew until the checks find nothing: word lists can hit on a "Here is" by chance."""


class BadRequest(ValueError):
    """A request that a server would answer with status 400."""


class Server:
    """Answers chat-completion requests from phrase banks."""

    def __init__(self, seed: int, wrong_share: float, faults: float) -> None:
        self._seed = seed
        self._wrong_share = wrong_share
        self._faults = faults
        self._wordings: Mapping[str, Wording] = {wording.language: wording for wording in wordings()}
        self._fingerprint = f"builtin-{hash64('builtin', seed) >> 40:06x}"

    def respond(self, body: bytes) -> tuple[int, bytes]:
        """Status and JSON body."""
        try:
            request = orjson.loads(body)
            return 200, orjson.dumps(self._completion(request))
        except orjson.JSONDecodeError as error:
            return _refusal(f"the body is not JSON: {error}")
        except (BadRequest, Foreign) as error:
            return _refusal(str(error))

    def _completion(self, request: Any) -> dict[str, Any]:
        roles, texts = _messages(request)
        number = hash64(self._seed, request.get("seed"), *roles, *texts)
        content, finish = self._content(request, roles, texts, Stream(number)), "stop"
        counts = [tokens(text) + MESSAGE_TOKENS for text in texts]
        completion_tokens = tokens(content)
        limit = _limit(request)
        if limit is not None and completion_tokens > limit:
            content, finish = content[: len(content) * limit // completion_tokens].rstrip(), "length"
            completion_tokens = limit
        prompt_tokens = sum(counts)
        cached = (prompt_tokens - counts[-1]) // CACHE_BLOCK * CACHE_BLOCK if prompt_tokens > CACHE_TOKENS else 0
        return {
            "id": f"chatcmpl-{number:016x}",
            "object": "chat.completion",
            "created": 0,
            "model": "builtin",
            "system_fingerprint": self._fingerprint,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content, "refusal": None},
                    "logprobs": None,
                    "finish_reason": finish,
                }
            ],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": prompt_tokens + completion_tokens,
                "prompt_tokens_details": {"cached_tokens": cached},
            },
        }

    def _content(self, request: Mapping[str, Any], roles: list[str], texts: list[str], stream: Stream) -> str:
        last = texts[-1]
        latest, line, note = last.rpartition(NOTE)
        if has_tools(texts[0]) and roles[0] == "system":
            return self._with_tools(roles, texts, latest if line else last, bool(line), stream)
        if line and len(roles) > SYSTEM_AND_OPENER:  # those come to an assistant, and a passage may hold such a line
            wanted = self._wanted(note)
            latest = resumed(note) or latest
            own = [text for role, text in zip(roles, texts, strict=True) if role == "assistant"]
            turn = user_turn(wanted, own, latest, grammar(wanted.language), stream, self._faults)
            for _ in range(REDRAWS if wanted.again else 0):
                if user_fault(turn, _seen(roles, texts, latest), act=wanted.act, language=wanted.language) is None:
                    break
                turn = user_turn(wanted, own, latest, grammar(wanted.language), stream, self._faults)
            return turn
        answers = rated(last)
        if answers is not None:
            return ratings(last, answers, grammar(language_of(asked_in(last))), stream)
        whole = asked(last)
        if whole is not None:
            wording, bank = self._wordings[whole.language], grammar(whole.language)
            return transcript(whole, wording, bank, stream, self._wrong_share, self._faults)
        listed = list_wanted(last)
        if listed is not None:
            return self._list(listed, last, request, stream)
        turns = [text for role, text in zip(roles, texts, strict=True) if role == "user"] or [last]
        told = told_in(texts[0]) if roles[0] == "system" else None
        if told is not None:
            return consult(told, turns, grammar(told.language), stream)
        guide = self._guide(texts[0]) if roles[0] == "system" else None
        language = guide.language if guide else language_of(turns[-1] + turns[0][:200])
        if guide and guide.lists.startswith(GUIDE) and (solved := solution(turns, language, stream, self._wrong_share)):
            return solved
        return answer(turns, language, grammar(language), stream, self._wrong_share, self._faults, guide)

    def _guide(self, system: str) -> Guide | None:
        """The sector's guide that the system text ends with; None for a system prompt alone."""
        guides = (guide for wording in self._wordings.values() for guide in wording.guides)
        return next((guide for guide in guides if system.endswith(guide.text)), None)

    def _with_tools(self, roles: list[str], texts: list[str], last: str, again: bool, stream: Stream) -> str:
        """The turn of an assistant with tools; `again`: a note on its last reply stands below the message."""
        before = (text for role, text in zip(roles[:-1], texts[:-1], strict=True) if role == "user")
        turns = [*(text for text in before if not text.startswith(RESULTS)), last]
        language = language_of(texts[0])
        shares = self._wrong_share, self._faults
        return tool_turn(texts[0], turns, last, again, language, grammar(language), stream, *shares)

    def _wanted(self, note: str) -> Wanted:
        """What the turn note asks for; a note in a wording of the user's own is read as far as its digits go."""
        foreign: Foreign | None = None
        for wording in self._wordings.values():
            try:
                wanted = wording.note(note)
            except Foreign as error:
                foreign = error
                continue
            if wanted is not None:
                return wanted
        if foreign is not None:
            raise foreign
        words, sentinel = RANGE.search(note), SENTINEL.search(note)
        low, high = (int(words[1]), int(words[2])) if words else (6, 15)
        return Wanted(language_of(note), low=low, high=high, sentinel=sentinel[0] if sentinel else None)

    def _list(self, wanted: ListWanted, prompt: str, request: Mapping[str, Any], stream: Stream) -> str:
        wording = self._wordings.get(wanted.language)
        if wording is None:
            raise BadRequest(f"builtin writes {', '.join(LANGUAGES)} only, not {wanted.language}")
        texts = items(wanted, prompt, wording, grammar(wanted.language), stream)
        array = [{"i": number, "text": text} for number, text in enumerate(texts, 1)]
        asked = request.get("response_format")
        schema = isinstance(asked, dict) and asked.get("type") == "json_schema"
        return orjson.dumps({"items": array} if schema else array).decode()


def _seen(roles: list[str], texts: list[str], latest: str) -> list[Message]:
    """The dialogue as the user sees it, out of a simulator's request: without system text and cue, roles swapped."""
    said = [
        Message(role="user" if role == "assistant" else "assistant", content=text)
        for role, text in zip(roles[2:-1], texts[2:-1], strict=True)
    ]
    return [*said, Message(role="assistant", content=latest)]


def _messages(request: Any) -> tuple[list[str], list[str]]:
    """Roles and texts. Raises BadRequest in the words of a server."""
    messages = request.get("messages") if isinstance(request, dict) else None
    if not isinstance(messages, list) or not messages:
        raise BadRequest("'messages' must be a list of at least one message")
    if request.get("stream") or request.get("n") not in (None, 1):
        raise BadRequest("builtin gives one choice, whole: 'n' must be 1 and 'stream' false")
    roles: list[str] = []
    texts: list[str] = []
    for place, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ROLES:
            raise BadRequest(f"messages[{place}].role: got {str(role)[:40]!r}")
        roles.append(role)
        texts.append(_text(message.get("content"), place))
    return roles, texts


def _text(content: Any, place: int) -> str:
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "".join(text for part in content if isinstance(text := part.get("text"), str))
    raise BadRequest(f"messages[{place}].content: expected a string")


def _limit(request: Mapping[str, Any]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        limit = request.get(name)
        if limit is not None:
            if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
                raise BadRequest(f"{name}: expected a whole number from 1 on, got {str(limit)[:40]}")
            return limit
    return None


def _refusal(message: str) -> tuple[int, bytes]:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return 400, orjson.dumps({"error": error})


def tokens(text: str) -> int:
    """Tokens by rule of thumb: words, or a quarter of the characters if that is more; one for each wide character."""
    if text.isascii():
        return max(text.count(" ") + 1, len(text) // 4)
    wide = wide_characters(text)
    return wide + max(text.count(" ") + 1, (len(text) - wide) // 4)


def language_of(text: str) -> str:
    """The language by its letters: Chinese in either script where a tenth of the text is Chinese, else English."""
    if text.isascii():
        return "en"
    if wide_characters(text) * 10 < len(text):
        return "en"
    return "zh" if TRADITIONAL.isdisjoint(text) else "zh-TW"
