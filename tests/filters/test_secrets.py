"""Secrets: each kind is found and masked, what stands in documentation is spared, and nothing repeats a secret."""

import random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import talk

from dialogue.records import Dialogue, Message, Seed, encode
from filters.engine.base import Drop
from filters.privacy.known import known
from filters.privacy.numbers import is_iban, luhn
from filters.privacy.shapes import KINDS, find, mask
from filters.secrets import Secrets

ALL = (*KINDS, "ip")
_CHANCE = random.Random(11)
_BASE62 = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789"


def drawn(count: int, letters: str = _BASE62) -> str:
    """Letters of chance: a key's shape that was never one."""
    return "".join(_CHANCE.choice(letters) for _ in range(count))


SECRETS = [
    ("email", "mara.vogel+news@posteo.de"),
    ("email", "sbernard@mail.utexas.edu"),
    ("email", "info@lut.fi"),
    ("email", "jane.doe@posteo.de"),
    ("email", "john.smith@gmail.com"),
    ("phone", "+49 234 777 166 67"),
    ("phone", "+1 (570) 268-5344"),
    ("phone", "+8613928502963"),
    ("phone", "(423) 461-0151"),
    ("phone", "989-372-1489"),
    ("phone", "910.538.0115"),
    ("phone", "13928502963"),
    ("phone", "010-7734-9021"),
    ("phone", "06 42 17 88 35"),
    ("phone", "0171 4837265"),
    ("iban", "DE02120300000000202051"),
    ("iban", "DE02 1203 0000 0000 2020 51"),
    ("iban", "GB94BARC10201530093459"),
    ("iban", "FR76 3000 4000 0312 3456 7890 143"),
    ("card", "4539 1488 0343 6467"),
    ("card", "5425-2334-3010-9911"),
    ("card", "371449635398456"),
    ("api_key", "sk-" + drawn(48)),
    ("api_key", "sk-proj-" + drawn(20) + "_" + drawn(20) + "-" + drawn(20)),
    ("api_key", "sk-ant-api03-" + drawn(40)),
    ("api_key", "ghp_" + drawn(36)),
    ("api_key", "github_pat_" + drawn(22) + "_" + drawn(59)),
    ("api_key", "AKIA" + drawn(16, "ABCDEFGHJKLMNPQRSTUVWXYZ234567")),
    ("api_key", "xoxb-" + drawn(12, "23456789") + "-" + drawn(24)),
    ("api_key", "AIza" + drawn(35)),
    ("api_key", "sk_live_" + drawn(24)),
    ("api_key", "hf_" + drawn(34)),
    ("api_key", "glpat-" + drawn(20)),
    ("jwt", f"eyJ{drawn(17)}.eyJ{drawn(40)}.{drawn(43)}"),
    ("private_key", f"-----BEGIN RSA PRIVATE KEY-----\n{drawn(64)}\n{drawn(64)}\n-----END RSA PRIVATE KEY-----"),
    ("private_key", f"-----BEGIN PRIVATE KEY-----\n{drawn(64)}\n{drawn(50)}="),
    ("ip", "93.184.215.14"),
    ("ip", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"),
]


@pytest.mark.parametrize(("kind", "secret"), SECRETS)
def test_a_secret_is_found_whole_and_masked(kind: str, secret: str) -> None:
    for before, after in (("Take ", ", please."), ("", ""), ("（", "）"), ("it's:\n", "\n\nThanks")):
        text = before + secret + after
        (found,) = find(text, ALL)
        assert (found.kind, text[found.start : found.end]) == (kind, secret)
        assert mask(text, ALL) == f"{before}<{kind}>{after}"


@pytest.mark.parametrize(
    "text",
    [
        "john.doe@example.com, yourname@yourdomain.com, boss@company.com, a@b.test, jane.doe@university.edu",
        "noreply@posteo.de",
        "git@github.com:user/repo.git",
        "q = x @ k.transpose(1, 2)",
        "npm i @angular/core@12.0.0",
        "@app.route('/')",
        "555-123-4567, (212) 555-0173, +1-555-010-9999, (123) 456-7890, 123-456-7890, +44 7700 900123, 020 7946 0958",
        "1-800-273-8255 or 888-555-0100",
        "2019-2020, 12-31-2024, 1,234,567,890 and 3.1415926535",
        "0000 0000 0000 0000",
        "978-3-16-148410-0",
        "ISBN 978-1878125026",
        "10.1145/3292500.3330701",
        "x = 1234567890123456",
        "1000000500000000",
        "4111 1111 1111 1111 and 5555-5555-5555-4444",
        "4539 1488 0343 6468",
        "9999 9999 9999 9995",
        "DE89 3704 0044 0532 0130 00, GB82 WEST 1234 5698 7654 32",
        "DE03120300000000202051",
        "AB12 CDEF 1234 5678 9012",
        "AKIAIOSFODNN7EXAMPLE",
        "sk-your-api-key",
        "sk-" + "x" * 40,
        "ghp_" + "1234567890" * 4,
        "hf_" + "A" * 34,
        "task-sk-1",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"
        ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\nMFww" + "a8" * 40,
        "192.168.0.1, 10.0.0.1, 127.0.0.1, 8.8.8.8, 192.0.2.7, 256.1.1.1, 2001:db8::1, ::1, 12:30:45, std::vector",
        "<email> <phone> <card>",
        "",
    ],
)
def test_what_documentation_shows_is_spared(text: str) -> None:
    assert mask(text, ALL) == text


def test_kinds_are_chosen_and_ip_is_not_among_the_defaults() -> None:
    text = "mara.vogel@posteo.de, 93.184.215.14"
    assert mask(text) == "<email>, 93.184.215.14"
    assert mask(text, ("ip",)) == "mara.vogel@posteo.de, <ip>"
    kept = talk("hello", text)
    assert Secrets(kinds=("card",)).apply(kept) is kept


def test_a_masked_record_holds_the_secret_nowhere() -> None:
    secret = "mara.vogel@posteo.de"
    answer = Message(
        role="assistant",
        content="I wrote to her.",
        thoughts=f"She is {secret}",
        tool_calls=[{"function": {"name": "send", "arguments": orjson.dumps({"to": secret}).decode()}}],
        candidates=[f"I wrote to {secret}.", {"content": secret}],
    )
    dialogue = talk(f"Write to {secret}", "", seed=Seed(material=secret, extra={"prompt": [secret], "n": 3}))
    dialogue = dialogue.model_copy(update={"messages": (dialogue.messages[0], answer)})
    (verdict,) = Secrets().verdicts([dialogue])
    assert isinstance(verdict.outcome, Dialogue)
    assert secret.encode() not in encode(verdict.outcome)
    assert verdict.outcome.messages[0].content == "Write to <email>"
    assert verdict.outcome.seed.extra == {"prompt": ["<email>"], "n": 3}
    assert {(note["message"], note["kind"], note["count"]) for note in verdict.notes} == {
        (0, "email", 1),
        (1, "email", 4),
        (None, "email", 2),
    }
    assert Secrets().details([], map(dict, verdict.notes), []) == {"masked": {"email": 7}}
    assert secret not in str(verdict.notes)


@pytest.mark.parametrize(("kind", "secret"), SECRETS)
def test_a_drop_shows_kind_and_place_but_never_a_secret(kind: str, secret: str) -> None:
    dialogue = talk("hello", f"First mara.vogel@posteo.de. Then {secret}, and {secret} again.")
    outcome = Secrets(act="drop", kinds=ALL).apply(dialogue)
    assert isinstance(outcome, Drop)
    assert outcome.reason == "email"
    assert outcome.evidence["message"] == 1
    assert outcome.evidence["at"] == 6
    assert "First <email>. Then <" in str(outcome.evidence["text"])
    assert secret not in str(outcome.evidence)
    assert "mara.vogel" not in str(outcome.evidence)


def test_a_dialogue_without_secrets_is_the_same_object() -> None:
    dialogue = talk("hello", "hi")
    assert Secrets().apply(dialogue) is dialogue


def checked(country: str, account: str) -> str:
    """The IBAN of an account."""
    rest = int("".join(str(int(char, 36)) for char in account + country + "00")) % 97
    return f"{country}{98 - rest:02d}{account}"


_COUNTRIES = {country: int(n) for n, countries in known("iban").items() for country in countries.split()}
_ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@given(st.sampled_from(sorted(_COUNTRIES)), st.text("0123456789", min_size=33, max_size=33), st.integers(1, 96))
def test_an_iban_is_told_from_one_with_wrong_check_digits(country: str, digits: str, wrong: int) -> None:
    iban = checked(country, digits[: _COUNTRIES[country] - 4])
    assert is_iban(iban)
    spaced = " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
    assert mask(f"to {spaced} now", ("iban",)) == "to <iban> now"
    assert mask(f"to {iban} NOW", ("iban",)) == "to <iban> NOW"
    broken = iban[:2] + f"{(int(iban[2:4]) - 2 + wrong) % 97 + 2:02d}" + iban[4:]
    assert not is_iban(broken)
    assert mask(f"to {broken} now", ("iban",)) == f"to {broken} now"


@given(
    st.sampled_from(["4", "51", "55", "2221", "2720", "6011", "65", "3530", "62"]), st.text("0123456789", min_size=15)
)
def test_a_card_is_told_from_one_with_a_wrong_check_digit(issuer: str, digits: str) -> None:
    body = (issuer + digits)[:15]
    number = next(body + last for last in "0123456789" if luhn(body + last))
    wrong = body + str((int(number[-1]) + 1) % 10)
    assert not luhn(wrong)
    assert find(f"pay with {wrong}", ("card",)) == []
    found = find(f"pay with {number}", ("card",))
    # too few different digits, digits in a row, or a published one: it was made up
    assert len(found) == 1 or len(set(number)) <= 2 or "00000" in number or "4567" in number or "6543" in number


_PARTS = st.sampled_from([secret for _, secret in SECRETS]) | st.text("0123456789 -.+()@:aA", max_size=20) | st.text()


@settings(max_examples=200, deadline=None)
@given(st.lists(_PARTS, max_size=6), st.sampled_from(["", " ", "-", "\n"]))
def test_masking_leaves_nothing_to_be_found_and_does_nothing_twice(parts: list[str], joint: str) -> None:
    masked = mask(joint.join(parts), ALL)
    assert find(masked, ALL) == []
    assert mask(masked, ALL) == masked


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "1",
        "1 ",
        "1-",
        "(1",
        "+1 ",
        "@",
        "a@",
        "a@a.",
        "a.",
        "a@b.cc ",
        "A1",
        "DE12 ",
        "-----BEGIN PRIVATE KEY-----",
        "eyJaaaaaaaaa.",
        "sk-",
        "ghp_",
        "_",
        "0.",
        "::",
        "a:",
        "4539 1488 0343 6467 ",
        "mara@posteo.de ",
        " ",
        "-",
        "字",
    ],
)
def test_a_million_characters_of_anything_are_masked(part: str) -> None:
    text = part * (1_000_000 // len(part))
    assert find(mask(text, ALL), ALL) == []
