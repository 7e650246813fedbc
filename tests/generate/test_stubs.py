"""Handlers are written once: what is missing is appended, and nothing else is touched, byte for byte."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from handlers.errors import NotBuilt
from tools.generate import ROOT
from tools.generate.operations import Argument, Operation
from tools.generate.python import Module, NotPythonError, read_module
from tools.generate.stubs import Stub, append_stubs

PACKAGE = "handlers"

HEADS = st.sampled_from(
    [
        "",
        '"""Handlers."""\n',
        '"""Handlers."""\n\nfrom __future__ import annotations\n',
        "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n'''Zwölf Boxkämpfer.'''\n",
        "# coding: latin-1\n# é\n",
        "# ruff: noqa: ARG001, N803 - for a reason.\n",
        "# ruff: noqa\n",
    ]
)
CHUNKS = st.sampled_from(
    [
        "import typing\n",
        "import typing as t\n",
        "from typing import NoReturn\n",
        "from typing import Any, NoReturn as Never, Literal\n",
        "from generated import manage as api\n",
        "from generated import manage\n",
        "import generated.manage\n",
        "from generated.manage import NewToken, Token as Key\n",
        "from handlers.errors import NotBuilt\n",
        "from . import errors\n",
        "from .errors import NotBuilt as Unbuilt\n",
        "import handlers.errors, handlers.wire\n",
        "if True:\n    from handlers.errors import NotBuilt\n",
        "def one(*, a):\n    return a\n",
        "async def two(): pass\n",
        "def three():\n\treturn (1,\n\n\t\t2)   \n",
        "@staticmethod\n# between\n@(lambda f: f)\ndef four(\n    a, # why\n    /, b=None, *c, **d): # noqa\n"
        "    '''Text\n\n    with \\'quotes\\' '''\n    global five, api\n    five = api = 1\n",
        "five = six = lambda: 0\n",
        "(seven, [eight, *nine]) = 1, [2, 3]\n",
        "class Any:\n    x: int = 3\n\n    def one(self): ...\n",
        "for api in range(3): pass\n",
        "try:\n    import ten\nexcept ImportError as error:\n    ten = None\nelse:\n    eleven = 1\n",
        "TEXT = '''\ndef twelve(): pass\n'''\n",
        "x = 1; y = 2; \n",
        "if (z := 3) > 2:\n    def thirteen(): ...\n",
        "NoReturn = 5\n",
        "# a comment\n",
        "\f\n",
        "print(list, dict, api) if False else None\n",
        "match 1:\n    case fourteen: pass\n",
        's = f"{1!r:>{2}} \\\n and on"\n',
    ]
)
TAILS = st.sampled_from(
    ["", "# the end", "    ", "\t# tab", "\n\n\n\n", "x = (\n  1)", "if x:\n  pass\n  # inside", "\\\n", "'''\n'''"]
)
NAMES = [
    "one",
    "two",
    "three",
    "five",
    "nine",
    "ten",
    "twelve",
    "thirteen",
    "fourteen",
    "api",
    "new_one",
    "list_",
    "NoReturn",
]
TYPES = [
    "int",
    "NewToken",
    "list[Token | None]",
    'Literal["a\'b", "c\\"d"]',
    "dict[str, Any]",
    "_support.Stream",
    "Job | None",
]
OPERATIONS = st.builds(
    Operation,
    name=st.sampled_from(NAMES),
    controller=st.just("handlers.manage"),
    summary=st.one_of(
        st.sampled_from(["Do it.", 'say "it"', 'a """ b', "back\\slash", "x" * 300, "word " * 60, "日本語 é"])
    ),
    arguments=st.lists(
        st.builds(
            Argument,
            name=st.sampled_from(["a", "petId", "_x", "body", "l"]),
            type=st.sampled_from(TYPES),
            optional=st.booleans(),
        ),
        unique_by=lambda argument: argument.name,
    ).map(tuple),
    answers=st.just(("None",)),
)


@st.composite
def modules(draw: st.DrawFn) -> bytes:
    """Make a module as nobody should write it."""
    text = draw(HEADS) + "".join(draw(st.lists(CHUNKS, max_size=8))) + draw(TAILS)
    for space in draw(st.lists(st.sampled_from(["\n\n", "\n# note\n"]), max_size=2)):
        text = text.replace("\n\n", space, 1)
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"])))
    data = text.encode("latin-1" if "latin-1" in text else "utf-8", "replace")
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) * ("latin-1" not in text) + data


def parsed(data: bytes) -> Module:
    """Return a module, or let hypothesis make another."""
    try:
        compile(data, "module.py", "exec")
        return read_module(data, PACKAGE)
    except (NotPythonError, SyntaxError, ValueError):
        assume(False)
        raise


@settings(max_examples=400, deadline=None)
@given(data=modules(), operations=st.lists(OPERATIONS, min_size=1, max_size=4, unique_by=lambda each: each.name))
def test_whatever_the_module_is_it_stays(data: bytes, operations: list[Operation]) -> None:
    """Every byte, every statement and the meaning of every name stays; what was missing is there."""
    module = parsed(data)
    missing = [Stub("manage", each) for each in operations if each.name not in module.bound]
    assume(missing)

    result = append_stubs(data, PACKAGE, missing)

    compile(result, "module.py", "exec")
    assert result.startswith(data)
    after = read_module(result, PACKAGE)
    count = len(module.tree.body)
    assert [ast.dump(node) for node in module.tree.body] == [ast.dump(node) for node in after.tree.body[:count]]
    appended = [node for node in after.tree.body[count:] if isinstance(node, ast.FunctionDef)]
    assert [stub.operation.name for stub in missing] == [node.name for node in appended]
    new = {
        alias.asname or alias.name
        for node in after.tree.body[count:]
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set() == new & (module.used | {each.name for each in operations})
    assert module.newline not in ("\n", "\r") or b"\r\n" not in result[len(data) :]


@settings(max_examples=100, deadline=None)
@given(data=modules(), operations=st.lists(OPERATIONS, min_size=1, max_size=3, unique_by=lambda each: each.name))
def test_nothing_is_appended_twice(data: bytes, operations: list[Operation]) -> None:
    """A second run finds all there; one more operation is appended with the imports that are there already."""
    missing = [Stub("manage", each) for each in operations if each.name not in parsed(data).bound]
    assume(missing)

    once = append_stubs(data, PACKAGE, missing)

    assert set() == {stub.operation.name for stub in missing} - read_module(once, PACKAGE).bound
    more = append_stubs(once, PACKAGE, [Stub("manage", Operation("afterwards", "", "More.", (), ("None",)))])
    assert b"import" not in more[len(once) :] or b"NotBuilt =" in data


OLD = b'''"""Handlers of specs/manage.yaml."""

from __future__ import annotations

from generated import manage as api
from handlers.errors import JobNotFound


def read_job(*, jobId: str) -> api.Job:  # noqa: N803
    """Tell how far a job has come."""
    raise JobNotFound(jobId)
'''


def stub(name: str, *arguments: Argument, summary: str = "Do it.") -> Stub:
    """Return a function to append."""
    return Stub("manage", Operation(name, "handlers.manage", summary, arguments, ("None",)))


STUBS = [
    stub("wait", Argument("jobId", "str", False), Argument("until", 'Literal["ended"] | None', True)),
    stub("forget_everything_that_ever_was", *(Argument(f"argument{n}", "NewToken", False) for n in range(12))),
    stub("explain", summary="A summary so long that it does not fit into one line. " * 3),
    stub("raw", Argument("body", "_support.Stream", False)),
]


@pytest.mark.parametrize(
    "data",
    [
        OLD,
        OLD.replace(b"\n\n\ndef", b"\n\nLIMIT = 5\n\n\ndef"),
        OLD[: OLD.index(b"from handlers")],
        OLD.replace(b"import JobNotFound", b"import JobNotFound, NotBuilt"),
        OLD.replace(b'"""Handlers', b'# ruff: noqa: ARG001, N803\n"""Handlers').replace(b"  # noqa: N803", b""),
        b'"""Handlers."""\n',
        b"",
    ],
    ids=["usual", "constant", "imports", "imported", "accepted", "docstring", "empty"],
)
def test_what_is_appended_is_clean(tmp_path: Path, data: bytes) -> None:
    """Ruff finds nothing to change, be it the form or the style, and mypy holds it for right."""
    package = tmp_path / "handlers"
    package.mkdir()
    (package / "__init__.py").write_text('"""Ours."""\n')
    (package / "errors.py").write_bytes((ROOT / "handlers" / "errors.py").read_bytes())
    (package / "manage.py").write_bytes(append_stubs(data or b'"""Empty."""\n', PACKAGE, STUBS))
    (tmp_path / "generated").symlink_to(ROOT / "generated")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())

    for command in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--strict", "--config-file="]):
        done = subprocess.run(
            [sys.executable, "-m", *command, "handlers/manage.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stdout + done.stderr


def test_it_says_that_it_is_not_built() -> None:
    """What is appended can be called, and raises the problem that becomes a 501."""
    scope: dict[str, object] = {"__name__": "handlers.x"}
    exec(compile(append_stubs(OLD, PACKAGE, STUBS), "manage.py", "exec"), scope)  # noqa: S102 - it is ours

    wait = scope["wait"]
    assert callable(wait)
    with pytest.raises(NotBuilt, match="wait is not built yet"):
        wait(jobId="1")
