"""Commands that a calculator must not choke on: each is answered with an error, after next to no work."""

import time

import pytest

from generator.tools.calculator import Calculator
from generator.tools.commands import Command, read, result
from generator.tools.search import Search
from generator.tools.solver import Solver
from prompts.passages import Passage

TOOLS = {tool.name: tool for tool in (Calculator(), Solver(), Search([Passage(name="Tea", text="Tea is drunk hot.")]))}

CPU_S = 0.1

CALCULATIONS = [
    "__import__('os').system('true')",
    "eval('1+1')",
    "exec('x=1')",
    "open('/etc/passwd').read()",
    "().__class__.__bases__[0].__subclasses__()",
    "lambda: 0",
    "[x for x in range(10**9)]",
    "while True: pass",
    "(lambda f: f(f))(lambda f: f(f))",
    "9**9**9",
    "9**9**9**9**9",
    "10**1000000",
    "2**-99999999",
    "(10**90)**90",
    "1.0000000001**(10**40)",
    "99999999!",
    "70!",
    "5!!!!!",
    "(-3)!",
    "1e400",
    "1e-400",
    "1e999999999999",
    "1E+9999",
    "9" * 350,
    "9" * 1_000_000,
    "0." + "3" * 390,
    "(" * 390,
    "(" * 100_000 + "1" + ")" * 100_000,
    "(" * 60 + "1" + ")" * 60,
    "-" * 390 + "1",
    "-" * 100_000 + "1",
    "2**" * 100 + "2",
    "1+" * 199,
    "+".join("1" for _ in range(190)),
    "sqrt(" * 60 + "2" + ")" * 60,
    "exp(exp(exp(9)))",
    "exp(1000)",
    "tan(1e60)**999",
    "log(0)",
    "1/0",
    "0**-1",
    "1//0",
    "1%0",
    "9９+٣",
    "1\u200b+1",
    "1\x00+1",
    "\ud800",
    "2²",
    "½+½",
    "∞ - ∞",
    "NaN",
    "inf",
    "1;import os",
    "1\n+\n__builtins__",
    "{{7*7}}",
    "$(reboot)",
    "`id`",
    "0x7fffffff",
    "1_000_000**1_000_000",
    "*".join(["9" * 18] * 20),
    "'a'*10**9",
    " " * 500,
    "",
]
EQUATIONS = [
    "x=__import__('os')",
    "(a+b+c+d+e+f)**4 = 1",
    "((x+1)**4)**4 = 1",
    "(x+y)**999999999 = 1",
    "x**(9**9**9) = 1",
    "x = 9**9**9",
    "(" * 300 + "x" + ")" * 300 + "=1",
    ";".join("x=1" for _ in range(100)),
    "a+b+c+d+e+f+g+h=1",
    "=" * 400,
    "x=" + "(1/7+" * 50 + "1" + ")" * 50,
    "x*" * 190 + "x=1",
    "1/(x-x)=1",
    "x = 1e400",
    "x" * 390 + "=1",
    "*".join(f"(x+{n})" for n in range(20)) + "=0",
]
CASES = [*(("Calculate", text) for text in CALCULATIONS), *(("Solve", text) for text in EQUATIONS)]
CASES += [("Search", ""), ("Search", "x" * 1_000_000), ("Search", " \t "), ("Reboot", "now"), ("__import__", "os")]


def test_there_are_fifty_and_more() -> None:
    assert len(set(CASES)) >= 50


@pytest.mark.parametrize(("tool", "argument"), CASES, ids=[f"{i}-{tool}" for i, (tool, _) in enumerate(CASES)])
def test_a_malicious_command_is_answered_with_an_error_after_next_to_no_work(tool: str, argument: str) -> None:
    begun = time.process_time()
    found = result(Command(tool, argument), TOOLS)
    spent = time.process_time() - begun
    assert found.error
    assert not found.text
    assert len(found.error) < 200
    assert spent < CPU_S


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Calculate",
        "Calculate()",
        "Calculate(2 + 3)",
        "Calculate('2 + 3')",
        'Calculate("2 + 3"',
        'Calculate("a" + "b")',
        'Calculate("2", "3")',
        'os.system("id")',
        'Calculate("2"); Solve("x=1")',
        '__import__("os")',
        'Calculate("' + '"' * 100_000,
        "(" * 100_000,
        "A" * 1_000_000 + '("2")',
    ],
)
def test_what_is_no_command_is_none(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(ValueError, match=r"is no command|is written"):
        read(text)
    assert time.process_time() - begun < CPU_S


def test_a_command_keeps_its_text() -> None:
    assert read(' Search("the \\"old\\" mill") ') == Command("Search", 'the "old" mill')
    assert read('Search("the \\"old\\" mill")').text == 'Search("the \\"old\\" mill")'
