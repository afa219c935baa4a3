"""Which buildpacks an app asks for, and which there are here. Pure: texts in, references out.

Source of the forms: Heroku's `BUILDPACK_URL` (`url#ref`), the `.buildpacks` file of its multi
buildpack (one a line, in order), and the key `buildpacks` of app.json (a list of `{"url": …}`).
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from stratum.errors import InvalidInput

VARIABLE, LIST, APP_JSON = "BUILDPACK_URL", ".buildpacks", "app.json"
FILES = (LIST, APP_JSON)
MAX_BYTES = 64 << 10  # of such a file
MAX_BUILDPACKS = 10
OURS = "stratum/"

_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_NOT_IN_REF = ("..", "//", "/.", ".lock/")  # git-check-ref-format(1)
_ARCHIVE = re.compile(r"\.(?:tgz|tar\.gz|tar|zip)$", re.IGNORECASE)
_MAX_URL = 1000
_MAYBE_SECRET = re.compile(r"[@?%]|://[^/]*:")
_HOST_END = re.compile(r"[/:?#\s]")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_SCHEMES = ("https", "http")


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A buildpack of our own: the folder of that name below builder/buildpacks.

    Attributes:
        files: it fits no app that has none of these at its root. They are looked for before it is asked,
            and decide before a build whether a commit without a Procfile could run at all.
        is_detected: it takes part in detection; others are used where they are named.
    """

    name: str
    files: tuple[str, ...]
    is_detected: bool = True


_PAGES = tuple(f"{place}index.html" for place in ("", "public/", "dist/", "build/", "_site/", "public_html/"))

# In the order of detection: the first that fits is used.
BUILT_IN = (
    BuiltIn("multi", ("package.json",)),
    BuiltIn(
        "python",
        ("requirements.txt", "pyproject.toml", "uv.lock", "poetry.lock", "Pipfile", "Pipfile.lock"),
    ),
    BuiltIn("static", ("static.json", "Staticfile", "package.json", *_PAGES)),
    BuiltIn("node", ("package.json",)),
)

# Heroku's short names of those that do what ours do; app.json and BUILDPACK_URL of its apps have them.
HEROKU = {"heroku/python": "python", "heroku/nodejs": "node"}


@dataclass(frozen=True, slots=True)
class Reference:
    """One buildpack that was asked for: a built-in one by `name`, any other by `url`.

    Attributes:
        ref: branch, tag or commit of the repository; empty for its default branch.
    """

    name: str = ""
    url: str = ""
    ref: str = ""

    def __str__(self) -> str:
        return self.name or (f"{self.url}#{self.ref}" if self.ref else self.url)


def detection() -> dict[str, tuple[str, ...]]:
    """Name → files, of the built-in ones that take part in detection, in its order."""
    return {one.name: one.files for one in BUILT_IN if one.is_detected}


def detectable_files() -> tuple[str, ...]:
    """Names of files by which detection may find something to do."""
    return tuple(dict.fromkeys(file for files in detection().values() for file in files))


def package_files() -> tuple[str, ...]:
    """Names of files that say what to install."""
    return tuple(file for file in detectable_files() if file not in _PAGES)


def asked_for(variable: str, files: Mapping[str, bytes | None]) -> tuple[str, tuple[Reference, ...]]:
    """Choose what an app asks for; without anything detection decides.

    Args:
        variable: value of BUILDPACK_URL; it goes before files.
        files: those of FILES that the commit has; None for one above MAX_BYTES.

    Returns:
        Where it stands (VARIABLE, LIST or APP_JSON), and the buildpacks in order; empty without any.

    Raises:
        InvalidInput: what stands there cannot be used.
    """
    if variable.strip():
        return VARIABLE, (reference(variable, VARIABLE),)
    for name, read in ((LIST, _listed), (APP_JSON, _in_app_json)):
        if name in files:
            found = tuple(reference(text, place) for place, text in read(_content(name, files[name])))
            if len(found) > MAX_BUILDPACKS:
                message = f"{name} names {len(found)} buildpacks; {MAX_BUILDPACKS} are allowed."
                raise InvalidInput(message)
            if found:
                return name, found
    return "", ()


def reference(text: str, where: str) -> Reference:
    """Read one buildpack: a built-in one's name, or Heroku's for it, or `URL` or `URL#REF` of a repository.

    Args:
        where: where it stands, for messages.

    Raises:
        InvalidInput: it is neither.
    """
    text = text.strip()
    name = HEROKU.get(text) or text.removeprefix(OURS)
    if name in {one.name for one in BUILT_IN}:
        return Reference(name=name)
    url, _, ref = text.partition("#")
    _check_url(url, text, where)
    if ref and not _is_ref(ref):
        reason = "what follows # is no name of a branch or tag, and no commit"
        raise _refused(_without_secrets(text), where, reason)
    return Reference(url=url, ref=ref)


def _check_url(url: str, text: str, where: str) -> None:
    shown = _without_secrets(text)
    if not _PRINTABLE.fullmatch(url) or len(url) > _MAX_URL:
        raise _refused(shown, where, f"a URL has 1 to {_MAX_URL} printable characters")
    try:
        parts = urlsplit(url)
        has_user, host = "@" in parts.netloc, parts.hostname
        _ = parts.port  # ValueError if it is none
    except ValueError as error:
        raise _refused(shown, where, "it is no URL") from error
    if parts.scheme not in _SCHEMES or not host or host.startswith("-"):
        raise _refused(
            shown, where, "it is neither built in nor the https:// or http:// URL of a git repository"
        )
    if has_user:
        raise _refused(shown, where, "a URL with a user or password would be shown in logs")
    if parts.query or _ARCHIVE.search(parts.path):
        raise _refused(shown, where, "archives are not fetched: name its git repository")


def _without_secrets(text: str) -> str:
    """Cut a refused text to scheme and host, where anything else of it may be a password or token."""
    if not _MAYBE_SECRET.search(text):
        return text
    scheme, is_url, rest = text.rpartition("://") if text.count("://") == 1 else ("", "", text)
    user, _, host = rest.rpartition("@")
    host = _HOST_END.split(host, maxsplit=1)[0]
    is_clear = not any(sign in user for sign in "@/?#")  # else there is no telling where a host begins
    return f"{scheme}{is_url}{host if is_clear else ''}…"


def _is_ref(ref: str) -> bool:
    if not _REF.fullmatch(ref) or any(part in ref for part in _NOT_IN_REF):
        return False
    return not ref.endswith((".lock", "/", "."))


def _refused(text: str, where: str, reason: str) -> InvalidInput:
    names = ", ".join([*(one.name for one in BUILT_IN), *HEROKU])
    shown = text if len(text) <= 100 else text[:99] + "…"  # noqa: PLR2004 - what fits on a line
    return InvalidInput(
        f"{shown!r} in {where} is no buildpack: {reason}.",
        f"Use the name of a built-in one ({names}), or URL or URL#REF of a git repository.",
    )


def _content(name: str, content: bytes | None) -> str:
    if content is None:
        message = f"{name} is too large: {MAX_BYTES} bytes are allowed."
        raise InvalidInput(message)
    return content.decode("utf-8", "replace").removeprefix("\ufeff")


def _listed(text: str) -> Iterable[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield f"{LIST}:{number}", line


def _in_app_json(text: str) -> Iterable[tuple[str, str]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{APP_JSON} is no JSON."
        raise InvalidInput(message, "Correct it, or remove it.") from error
    listed = found.get("buildpacks", []) if isinstance(found, dict) else []
    for one in listed if isinstance(listed, list) else []:
        url = one.get("url") if isinstance(one, dict) else one
        if isinstance(url, str):
            yield APP_JSON, url
