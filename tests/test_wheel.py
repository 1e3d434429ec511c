"""The wheel, built and run in an environment that holds nothing of this checkout."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_wheel_runs_in_a_clean_environment(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, env=environ)
    (wheel,) = (tmp_path / "dist").glob("duologue-*.whl")
    venv.create(tmp_path / "clean", with_pip=True)
    python = tmp_path / "clean" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, env=environ)
    gen = [
        tmp_path / "clean" / "bin" / "gen",
        "run",
        "--sector",
        "world-questions",
        "--n",
        "5",
        "--endpoint",
        "builtin",
    ]
    done = subprocess.run(gen, check=True, capture_output=True, text=True, cwd=tmp_path, env=environ)
    assert done.stdout.splitlines()[-1] == "runs/world-questions/dialogues.jsonl"
    assert (tmp_path / done.stdout.splitlines()[-1]).read_bytes().count(b"\n") == 5
    heavy = "import sys, gen.api, generator.run; print(*{'torch', 'scipy', 'numba', 'transformers'} & set(sys.modules))"
    loaded = subprocess.run(
        [python, "-c", heavy], check=True, capture_output=True, text=True, cwd=tmp_path, env=environ
    )
    assert loaded.stdout.strip() == ""
