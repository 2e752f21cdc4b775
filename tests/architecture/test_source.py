"""What every source file keeps to."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

_REPOSITORY = Path(__file__).parents[2]
_PRODUCT = ("events", "services", "projections")
_LONGEST_MODULE = 300
_LONGEST_FUNCTION = 35
_BANNED_NAMES = frozenset({"utils", "common", "helpers", "base", "manager"})
_IMPURE_MODULES = frozenset(
    {
        "services/runtime/clock.py",
        "services/runtime/ids.py",
        # Runs in the programs of our users, which are senders: ids and times of commands begin here.
        "events/client/client.py",
    }
)
_IMPURE_CALLS = frozenset(
    {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.monotonic"}
    | {"time.monotonic_ns", "time.perf_counter", "uuid.uuid1", "uuid.uuid4", "uuid4", "uuid1", "monotonic", "loop.time"}
)
_CATCH_EVERYTHING = frozenset(
    {
        # Whatever went wrong ends here: logged once, exit code 1.
        "services/runtime/lifecycle.py",
        # A command that makes a pure decider raise will do so again: it is parked (docs/adr/0003).
        "services/policy/service/handler.py",
    }
)


def _sources(*folders: str) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted((_REPOSITORY / folder).rglob("*.py")):
            yield str(path.relative_to(_REPOSITORY)), path.read_text()


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for file, text in _sources(*_PRODUCT):
        for node in ast.walk(ast.parse(text, filename=file)):
            yield file, node


def test_modules_are_not_too_long() -> None:
    lengths = {file: len(text.splitlines()) for file, text in _sources(*_PRODUCT, "tests", "examples")}
    assert lengths
    assert {file: length for file, length in lengths.items() if length > _LONGEST_MODULE} == {}


def test_functions_are_not_too_long() -> None:
    def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        # Signature and docstring are not what makes a function hard to follow.
        body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
        lines = (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1
        # Functions within it are measured by themselves: a function that registers routes is a list of them.
        within = [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        return lines - sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in within)

    lengths = {
        f"{file}: {node.name}": length(node)
        for file, node in _nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert lengths
    assert {function: lines for function, lines in lengths.items() if lines > _LONGEST_FUNCTION} == {}


def test_modules_are_named_by_what_they_own() -> None:
    files = [file for file, _ in _sources(*_PRODUCT)]
    assert [file for file in files if not _BANNED_NAMES.isdisjoint(Path(file).with_suffix("").parts)] == []


def test_modules_say_what_they_own() -> None:
    assert [file for file, text in _sources(*_PRODUCT) if not ast.get_docstring(ast.parse(text))] == []


def test_only_the_runtime_reads_the_clock_and_makes_ids() -> None:
    called = [
        (file, ast.unparse(node.func))
        for file, node in _nodes()
        if isinstance(node, ast.Call) and file not in _IMPURE_MODULES
    ]
    # `monotonic` is imported from antiphon.services.runtime.clock: a bare name must come from there.
    ours = {
        (file, name)
        for file, text in _sources(*_PRODUCT)
        for module, name in (("clock", "monotonic"), ("ids", "uuid4"))
        if f"from antiphon.services.runtime.{module} import" in text
    }
    impure = [
        (file, call)
        for file, call in called
        if call.removeprefix("datetime.") in _IMPURE_CALLS or call in _IMPURE_CALLS
        if (file, call) not in ours
    ]
    assert impure == []


def test_exceptions_are_not_caught_blindly() -> None:
    blind = [
        f"{file}:{node.lineno}"
        for file, node in _nodes()
        if isinstance(node, ast.ExceptHandler) and file not in _CATCH_EVERYTHING
        if node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
        # Catching everything to clean up and raise it again hides nothing.
        if not isinstance(node.body[-1], ast.Raise)
    ]
    assert blind == []


def test_no_two_classes_share_a_name() -> None:
    defined = defaultdict[str, list[str]](list)
    for file, node in _nodes():
        if isinstance(node, ast.ClassDef):
            defined[node.name].append(f"{file}:{node.lineno}")
    assert defined
    assert {name: places for name, places in defined.items() if len(places) > 1} == {}
