"""Replies as OpenAI's JSON, whole or in chunks."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from trainer.serving.answer import Finish, Reply, TokenChance

_BYTES = [*range(33, 127), *range(161, 173), *range(174, 256)]


def _byte_letters() -> dict[str, int]:
    """GPT-2's letters for bytes: printable ones stand for themselves, the others for letters from 256 on."""
    others = (byte for byte in range(256) if byte not in _BYTES)
    return {chr(byte): byte for byte in _BYTES} | {chr(256 + n): byte for n, byte in enumerate(others)}


class Wire:
    """One model's answers on the wire."""

    def __init__(self, model: str, tokenizer: Any) -> None:
        self.model = model
        self._tokenizer = tokenizer
        self._letters = _byte_letters() if "ByteLevel" in str(tokenizer.backend_tokenizer.decoder) else {}
        self._special = {id: str(token) for id, token in tokenizer.added_tokens_decoder.items()}

    def completion(self, id: str, created: int, replies: Sequence[Reply]) -> bytes:
        """A whole answer: a choice for each reply."""
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": reply.text, "refusal": None},
                "logprobs": self.logprobs(reply.logprobs),
                "finish_reason": reply.finish_reason,
            }
            for index, reply in enumerate(replies)
        ]
        head = self._head(id, created, "chat.completion")
        return orjson.dumps({**head, "choices": choices, "usage": usage(replies)})

    def chunk(
        self,
        id: str,
        created: int,
        index: int,
        delta: dict[str, str],
        chances: Sequence[TokenChance] | None = None,
        finish: Finish | None = None,
        **extra: Any,
    ) -> bytes:
        """One event of a stream."""
        logprobs = self.logprobs(chances)
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return _event({**self._head(id, created, "chat.completion.chunk"), "choices": [choice], **extra})

    def last_chunk(self, id: str, created: int, replies: Sequence[Reply]) -> bytes:
        """The event that tells what the stream has cost."""
        head = self._head(id, created, "chat.completion.chunk")
        return _event({**head, "choices": [], "usage": usage(replies)})

    def models(self, created: int, context: int) -> bytes:
        """The list of the one model."""
        one = {"id": self.model, "object": "model", "created": created, "owned_by": "duologue"}
        return orjson.dumps({"object": "list", "data": [{**one, "max_model_len": context}]})

    def logprobs(self, chances: Iterable[TokenChance] | None) -> dict[str, Any] | None:
        """As `choices[].logprobs`; None where nobody asked."""
        if chances is None:
            return None
        content = [
            {**self._token(one.id, one.logprob), "top_logprobs": [self._token(*pair) for pair in one.top]}
            for one in chances
        ]
        return {"content": content, "refusal": None}

    def _token(self, id: int, logprob: float) -> dict[str, Any]:
        found = self._bytes(id)
        # JSON knows no infinity; OpenAI writes -9999 as well.
        return {"token": found.decode("utf-8", "replace"), "logprob": max(logprob, -9999.0), "bytes": list(found)}

    def _bytes(self, id: int) -> bytes:
        """A token's own bytes, which may be part of a character."""
        if id in self._special:
            return self._special[id].encode()
        token = self._tokenizer.convert_ids_to_tokens(id) or ""
        if self._letters and all(letter in self._letters for letter in token):
            return bytes(self._letters[letter] for letter in token)
        if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
            return bytes.fromhex(token[3:5])
        text: str = token.replace("\u2581", " ")
        return text.encode("utf-8", "replace")

    def _head(self, id: str, created: int, kind: str) -> dict[str, Any]:
        return {"id": id, "object": kind, "created": created, "model": self.model, "system_fingerprint": None}


def usage(replies: Sequence[Reply]) -> dict[str, int]:
    """Tokens: the prompt's once, those of all choices together."""
    prompt, drawn = replies[0].prompt_tokens, sum(len(reply.ids) for reply in replies)
    return {"prompt_tokens": prompt, "completion_tokens": drawn, "total_tokens": prompt + drawn}


def error(message: str, kind: str, param: str | None = None, code: str | None = None) -> bytes:
    """A refusal. What it quotes of the client need not be UTF-8."""
    told = message.encode("utf-8", "replace").decode()
    return orjson.dumps({"error": {"message": told, "type": kind, "param": param, "code": code}})


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"
