"""The requests there are, what each takes, and what does it. Nothing else can be asked of root.

Every argument is checked here: numbers by range, names by their characters, so that a path or a
process made of them can only be an app's or a build's.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from stratum.door import checks, disk, proc, sockets, steps
from stratum.door.folders import LIMIT_S, Folders
from stratum.door.releases import Releases
from stratum.door.sites import Sites
from stratum.door.steprun import Order
from stratum.door.strays import Stray, Strays
from stratum.door.volumes import SIZES_S, Volumes
from stratum.errors import DoorUnavailable
from stratum.fence import MAX_APPS, Fence
from stratum.layout import Layout
from stratum.names import LABEL

Args: TypeAlias = Mapping[str, object]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PROCESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,255}")
_MAX_NUMBER = 1_000_000_000
_MAX_PID = 1 << 22  # pid_max of 64-bit Linux, proc(5)
_MAX_PORT = 65535
_KEY_FIELDS = 2  # of `proc.Key`
_MAX_TIMEOUT_S = 7 * 24 * 3600
_MAX_CHECK_S = 300


def answer(layout: Layout, fence: Fence, name: str, args: Args) -> object:
    """Do what was asked.

    Returns:
        What the request gives, in JSON's types.

    Raises:
        DoorUnavailable: there is no such request, or an argument is not allowed.
    """
    doing = _TABLE.get(name)
    if doing is None:
        message = f"The door knows no request {name!r}."
        raise DoorUnavailable(message)
    return doing(layout, fence, args)


def order(args: Args) -> Order:
    """Check the order of a step.

    Raises:
        DoorUnavailable: as `answer`; the environment is named, not shown.
    """
    timeout_s = args.get("timeout_s")
    if not isinstance(timeout_s, int | float) or not 0 < timeout_s <= _MAX_TIMEOUT_S:
        raise _refused("timeout_s", timeout_s)
    step = _text(args, "step")
    if step not in steps.names():
        raise _refused("step", step)
    return Order(_app_id(args), _number(args), step, _environment(args), timeout_s)


def _refused(name: str, value: object) -> DoorUnavailable:
    return DoorUnavailable(f"The door does not take {value!r} as {name}.")


def _integer(args: Args, name: str, least: int, most: int) -> int:
    value = args.get(name)
    if type(value) is not int or not least <= value <= most:
        raise _refused(name, value)
    return value


def _text(args: Args, name: str) -> str:
    value = args.get(name)
    if not isinstance(value, str):
        raise _refused(name, value)
    return value


def _app_id(args: Args) -> int:
    return _integer(args, "app_id", 1, MAX_APPS - 1)


def _number(args: Args) -> int:
    return _integer(args, "number", 1, _MAX_NUMBER)


def _digest(args: Args) -> str:
    digest = _text(args, "digest")
    if not _DIGEST.fullmatch(digest):
        raise _refused("digest", digest)
    return digest


def _volume(args: Args) -> str:
    name = _text(args, "volume")
    if not LABEL.fullmatch(name):
        raise _refused("volume", name)
    return name


def _version(args: Args) -> int:
    return _integer(args, "version", 1, _MAX_NUMBER)


def _versions(args: Args) -> set[int]:
    versions = args.get("versions")
    if not isinstance(versions, list | tuple):
        raise _refused("versions", versions)
    return {_version({"version": one}) for one in versions}


def _mounts(args: Args) -> dict[str, str]:
    """Names of volumes, and paths that are checked where they are used (`Volumes.link`)."""
    mounts = args.get("mounts")
    if not isinstance(mounts, dict):
        raise _refused("mounts", mounts)
    for name, path in mounts.items():
        _volume({"volume": name})
        if not isinstance(path, str) or "\0" in path:
            raise _refused("path", path)
    return mounts


def _process(value: object) -> str:
    if not isinstance(value, str) or not _PROCESS.fullmatch(value):
        raise _refused("process", value)
    return value


def _live(args: Args) -> set[str]:
    names = args.get("live")
    if not isinstance(names, list | tuple):
        raise _refused("live", names)
    return {_process(name) for name in names}


def _leaders(args: Args) -> dict[str, int]:
    leaders = args.get("leaders")
    if not isinstance(leaders, dict):
        raise _refused("leaders", leaders)
    return {_process(name): _integer(leaders, name, 2, _MAX_PID) for name in leaders}


def _live_apps(args: Args) -> dict[int, dict[str, int]]:
    """App id, which JSON has as text, → live name → pid, or 0."""
    live = args.get("live")
    if not isinstance(live, dict) or not all(isinstance(names, dict) for names in live.values()):
        raise _refused("live", live)
    return {
        _app_id({"app_id": int(app_id) if str(app_id).isdecimal() else app_id}): {
            _process(name): _integer(names, name, 0, _MAX_PID) for name in names
        }
        for app_id, names in live.items()
    }


def _seen(args: Args) -> list[proc.Key]:
    keys = args.get("seen")
    if not isinstance(keys, list | tuple):
        raise _refused("seen", keys)
    if not all(isinstance(key, list | tuple) and len(key) == _KEY_FIELDS for key in keys):
        raise _refused("seen", keys)
    pairs = [{"pid": pid, "start": start} for pid, start in keys]
    return [(_integer(pair, "pid", 2, _MAX_PID), _integer(pair, "start", 0, 1 << 62)) for pair in pairs]


def _environment(args: Args) -> dict[str, str]:
    env = args.get("env")
    if not isinstance(env, dict):
        raise _refused("env", type(env).__name__)
    for name, value in env.items():
        if not isinstance(value, str) or not name or "=" in name or "\0" in name + value:
            raise _refused("variable", name)
    return env


def _make_volume(layout: Layout, fence: Fence, args: Args) -> None:
    Volumes(layout, fence).make(_app_id(args), _volume(args))


def _empty_volume(layout: Layout, fence: Fence, args: Args) -> bool:
    try:
        Volumes(layout, fence).empty(_app_id(args), _volume(args))
    except TimeoutError:
        return False
    return True


def _open_release(layout: Layout, fence: Fence, args: Args) -> str:
    return Releases(layout, fence).open(_app_id(args), _version(args), _digest(args), _mounts(args))


def _erase_releases(layout: Layout, fence: Fence, args: Args) -> None:
    try:
        Releases(layout, fence).erase(_app_id(args))
    finally:
        Sites(layout, fence).erase(_app_id(args))


def _destroy(layout: Layout, fence: Fence, args: Args) -> None:
    Folders(layout, fence).destroy(_app_id(args))
    Volumes(layout, fence, LIMIT_S).destroy(_app_id(args))
    Sites(layout, fence).destroy(_app_id(args))


def _listeners(args: Args) -> bool:
    return sockets.listens(_integer(args, "pid", 2, _MAX_PID), _integer(args, "port", 1, _MAX_PORT))


def _check(layout: Layout, fence: Fence, args: Args) -> tuple[int | None, str]:
    process, timeout_s = _process(args.get("process")), _integer(args, "timeout_s", 1, _MAX_CHECK_S)
    return checks.run(layout, fence, _app_id(args), process, timeout_s)


def _tree(fence: Fence, args: Args) -> list[proc.Key]:
    root = proc.read(_integer(args, "pid", 2, _MAX_PID))
    if root is None or not fence.in_apps_range(root.uid):
        return []
    processes = proc.snapshot(lambda uid: uid == root.uid)
    return [processes[pid].key for pid in sorted(proc.family(processes, [root.pid]))]


def _rows(found: list[Stray]) -> list[tuple[int, int, str]]:
    return [(stray.pid, stray.start, stray.name) for stray in found]


def _end_strays(layout: Layout, fence: Fence, args: Args) -> object:
    return _rows(Strays(layout, fence).end_of_app(_app_id(args), _live(args), _leaders(args)))


def _end_all_strays(layout: Layout, fence: Fence, _args: Args) -> object:
    strays = Strays(layout, fence)
    return _rows(strays.end(strays.all))


def _end_tree(layout: Layout, fence: Fence, args: Args) -> object:
    strays, name, seen = Strays(layout, fence), _process(args.get("name")), _seen(args)
    return _rows(strays.end(lambda: strays.of_process(name, seen)))


_TABLE: Mapping[str, Callable[[Layout, Fence, Args], object]] = {
    "ready": lambda _layout, _fence, _args: None,
    "prepare": lambda layout, fence, args: Folders(layout, fence).prepare(_app_id(args)),
    "seal": lambda layout, fence, args: Folders(layout, fence).seal(
        _app_id(args), _number(args), _digest(args)
    ),
    "flush": lambda layout, _fence, args: disk.sync_all(layout.build(_app_id(args), _number(args))),
    "discard": lambda layout, fence, args: Folders(layout, fence).discard(_app_id(args), _number(args)),
    "sweep": lambda layout, fence, args: Folders(layout, fence).sweep(_app_id(args)),
    "erase_left": lambda layout, fence, args: Folders(layout, fence).erase_left(_app_id(args)),
    "empty_cache": lambda layout, fence, args: Folders(layout, fence).empty_cache(_app_id(args)),
    "has_slug": lambda layout, fence, args: Folders(layout, fence).has_slug(_app_id(args), _digest(args)),
    "slug_digest": lambda layout, fence, args: Folders(layout, fence).slug_digest(
        _app_id(args), _digest(args)
    ),
    "drop_slug": lambda layout, fence, args: Folders(layout, fence).drop_slug(_app_id(args), _digest(args)),
    "open_release": _open_release,
    "settle_releases": lambda layout, fence, _args: Releases(layout, fence).settle(),
    "release_versions": lambda layout, fence, _args: list(Releases(layout, fence).versions().items()),
    "keep_releases": lambda layout, fence, args: Releases(layout, fence).keep(_app_id(args), _versions(args)),
    "erase_releases": _erase_releases,
    "publish_site": lambda layout, fence, args: Sites(layout, fence).publish(
        _app_id(args), _version(args), _digest(args)
    ),
    "keep_sites": lambda layout, fence, args: Sites(layout, fence).keep(_app_id(args), _versions(args)),
    "destroy": _destroy,
    "make_volume": _make_volume,
    "volume_sizes": lambda layout, fence, args: Volumes(layout, fence, SIZES_S).sizes(_app_id(args)),
    "empty_volume": _empty_volume,
    "check": _check,
    "listeners": lambda _layout, _fence, args: _listeners(args),
    "tree": lambda _layout, fence, args: _tree(fence, args),
    "apps_with_strays": lambda layout, fence, args: Strays(layout, fence).apps_with(_live_apps(args)),
    "end_strays": _end_strays,
    "end_all_strays": _end_all_strays,
    "end_tree": _end_tree,
}
