"""Ask a model that was trained on the sector `recall`, through the `openai` package: tell it two facts, ask for both.

    python examples/recall/ask.py runs/recall-model

It starts `gen serve` as a child, waits for its address, and stops it at the end. Status 1 where an answer is wrong.
"""

import subprocess
import sys

from openai import OpenAI

TOLD = ("My name is Clara.", "I live in Oslo.")
ASKED = {"What is my name?": "Clara", "Where do I live?": "Oslo"}


def main(model: str) -> int:
    """The talk on stdout; 1 where a fact was not remembered."""
    command = [sys.executable, "-m", "gen.main", "serve", model, "--port", "0", "--until-eof"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        client = OpenAI(base_url=server.stdout.readline().strip(), api_key="none needed")
        name = client.models.list().data[0].id
        talk: list[dict[str, str]] = []
        wrong = 0
        for line in (*TOLD, *ASKED):
            talk.append({"role": "user", "content": line})
            reply = client.chat.completions.create(model=name, messages=talk, temperature=0)  # type: ignore[arg-type]
            said = reply.choices[0].message.content or ""
            talk.append({"role": "assistant", "content": said})
            wrong += line in ASKED and ASKED[line] not in said
            print(f"     user: {line}\nassistant: {said}")
        server.stdin.close()
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
