"""The house has floors, and an import only ever goes down."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = {"dialogue": 1, "prompts": 2, "generator": 3, "filters": 3, "trainer": 3, "evaluator": 4, "gen": 5}
FILES = sorted(path for folder in FLOORS for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_from_its_own_folder_and_lower_floors_only(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    for name in imports(path):
        other = name.split(".")[0]
        if other in FLOORS and other != own:
            assert FLOORS[other] < FLOORS[own], f"{path.relative_to(ROOT)} imports {name}"


def test_no_two_modules_import_one_another() -> None:
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
    edges = {
        module: {found for name in imports(path) for found in (name, name.rpartition(".")[0]) if found in modules}
        for module, path in modules.items()
    }
    done: set[str] = set()

    def walk(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way, module))
        if module not in done:
            for other in edges[module] - {module}:
                walk(other, (*way, module))
            done.add(module)

    for module in edges:
        walk(module, ())


@pytest.mark.parametrize("folder", sorted(FLOORS))
def test_each_folder_is_imported_from_this_checkout(folder: str) -> None:
    if not (ROOT / folder).exists():
        return  # not yet filled
    module = __import__(folder)
    assert Path(str(module.__file__)).parent == ROOT / folder


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_a_hall_and_no_class_a_tower(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        length = (getattr(node, "end_lineno", 0) or 0) - getattr(node, "lineno", 0) + 1
        if isinstance(node, ast.ClassDef):
            assert length <= 150, f"class {node.name}: {length} lines"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert length <= 60, f"{node.name}: {length} lines"


def test_the_product_never_evaluates_text() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec", "compile"}, path
            if isinstance(node, ast.keyword) and node.arg == "shell":
                raise AssertionError(f"{path}: shell=")
        assert not {name.split(".")[0] for name in imports(path)} & {"pickle", "marshal", "shelve"}, path


def test_no_two_test_modules_bear_one_name() -> None:
    """Without packages pytest would import one for the other, and not start at all."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)


def test_no_two_modules_of_the_tests_bear_one_name() -> None:
    """Their folders are no packages: the second one would be taken for the first."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []
