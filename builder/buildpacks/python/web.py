"""What an app's `web` is when nobody says: from the framework's own conventions."""

import ast
import shlex
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_MODULES = ("app", "main", "wsgi", "asgi", "application", "server", "api")
_WSGI = {"Flask"}
_ASGI = {"FastAPI", "Starlette", "Quart", "Litestar"}
_MADE_ELSEWHERE = "made elsewhere"  # by a factory: what is installed tells which kind
_FACTORIES = ("create_app", "make_app")
_NAMES = ("app", "application", "api")
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Default:
    """How to start the app, or what keeps it from being known."""

    command: str = ""
    advice: str = ""


def default_web(build: Path, packages: Collection[str]) -> Default:
    """Choose the command of `web`.

    Args:
        packages: names of what is installed.
    """
    if "django" in packages and (build / "manage.py").is_file():
        return _django(build, packages)
    found = next(_applications(build, packages), None)
    if found is None:
        return Default(advice="Add a Procfile with a line such as: web: python app.py")
    place, is_asgi = found
    return _serve(place, packages, is_asgi=is_asgi)


def _django(build: Path, packages: Collection[str]) -> Default:
    for name, is_asgi in (("wsgi", False), ("asgi", True)):
        modules = sorted(path.parent.name for path in build.glob(f"*/{name}.py") if path.is_file())
        if modules and ("uvicorn" if is_asgi else "gunicorn") in packages:
            return _serve(f"{modules[0]}.{name}:application", packages, is_asgi=is_asgi)
    return Default(advice="Add gunicorn to the requirements, or a Procfile that says how to start the app.")


def _serve(place: str, packages: Collection[str], *, is_asgi: bool) -> Default:
    word = shlex.quote(place)  # a factory is called
    if is_asgi and "uvicorn" in packages:
        return Default(f'uvicorn --host 127.0.0.1 --port "$PORT" {word}')
    if not is_asgi and "gunicorn" in packages:
        return Default(f'gunicorn --bind "127.0.0.1:$PORT" {word}')
    server = "uvicorn" if is_asgi else "gunicorn"
    return Default(advice=f"Add {server} to the requirements, or a Procfile that says how to start the app.")


def _applications(build: Path, packages: Collection[str]) -> Iterator[tuple[str, bool]]:
    """Yield `module:name` of applications that modules at the root make, and whether they are ASGI."""
    for module, path in ((name, build / file) for name in _MODULES for file in _files(name)):
        tree = _parsed(path) if path.is_file() and path.stat().st_size <= _MAX_BYTES else None
        if tree is not None:
            yield from ((f"{module}:{name}", is_asgi) for name, is_asgi in _made_in(tree, packages))


def _files(module: str) -> tuple[str, str]:
    return f"{module}.py", f"{module}/__init__.py"


def _parsed(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _made_in(tree: ast.Module, packages: Collection[str]) -> Iterator[tuple[str, bool]]:
    """Yield names of applications: made here, then by a factory, then imported."""
    installed = {name.lower() for name in _WSGI | _ASGI} & set(packages)
    is_asgi = "flask" not in installed
    for one in tree.body:
        kind = _kind(one.value) if isinstance(one, ast.Assign | ast.AnnAssign) else ""
        targets = one.targets if isinstance(one, ast.Assign) else [getattr(one, "target", None)]
        for target in targets if kind != _MADE_ELSEWHERE or installed else ():
            if kind and isinstance(target, ast.Name):
                yield target.id, is_asgi if kind == _MADE_ELSEWHERE else kind in _ASGI
    if _imported(ast.walk(tree)) & _WSGI:
        factories = (one for one in tree.body if isinstance(one, ast.FunctionDef))
        yield from ((f"{one.name}()", False) for one in factories if _is_factory(one))
    yield from ((name, False) for name in _NAMES if name in _imported(tree.body))


def _is_factory(found: ast.FunctionDef) -> bool:
    """Whether it makes an application without being given anything."""
    given = found.args
    positional = len(given.posonlyargs) + len(given.args)
    return (
        found.name in _FACTORIES
        and len(given.defaults) == positional
        and all(one is not None for one in given.kw_defaults)
    )


def _imported(nodes: Iterable[ast.AST]) -> set[str]:
    imports = (one for one in nodes if isinstance(one, ast.ImportFrom))
    return {alias.asname or alias.name for one in imports for alias in one.names}


def _kind(value: ast.expr | None) -> str:
    if not isinstance(value, ast.Call):
        return ""
    called = value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return _MADE_ELSEWHERE if name in _FACTORIES else name if name in _WSGI | _ASGI else ""
