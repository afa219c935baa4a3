"""The files that a step sees: the system's programs to read, its own folders to write, and nothing else.

A new root folder is put together from what is listed here, so that whatever is not listed (people's
homes, the data folder, sockets below /run) is out of reach even for one who has its owner's account.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from stratum.door.fencing import kernel

SYSTEM = tuple(
    Path(path)
    for path in (
        *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt"),
        *("/nix", "/gnu"),  # where all programs of NixOS and Guix are
        "/var/lib/ca-certificates",  # where those of openSUSE are, linked from /etc
    )
)
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "fd/0",
    "stdout": "fd/1",
    "stderr": "fd/2",
    "ptmx": "pts/ptmx",
}
TMP_BYTES = 256 << 20  # of /tmp, in memory; TMPDIR is on the disk
_SHM_OPTIONS = "mode=1777,size=64m"
_PLAIN = kernel.NOSUID | kernel.NODEV


@dataclass(frozen=True, slots=True)
class View:
    """What to show.

    Attributes:
        stage: an empty folder over which the new root is mounted while it is made.
        hidden: shown to nobody, be it within what is.
        private: folders and files of the account's own that are not shown either, as its home, except for
            what is shown or own within.
        shown: to read, besides the system's folders; what does not exist is left out.
        own: to write; must exist, and lie in folders that only we change.
        own_processes: whether /proc is to be that of a new namespace of processes, which we are in.
    """

    stage: Path
    hidden: Path
    shown: tuple[Path, ...]
    own: tuple[Path, ...]
    own_processes: bool
    private: tuple[Path, ...] = ()

    @property
    def private_around(self) -> tuple[Path, ...]:
        """Those that may hold something shown: hidden before it is."""
        return tuple(path for path in self.private if path not in self.private_within)

    @property
    def private_within(self) -> tuple[Path, ...]:
        """Those that lie in something shown: hidden after."""
        return tuple(path for path in self.private if any(path.is_relative_to(one) for one in self.shown))


def enter(view: View) -> None:
    """See nothing but this from now on; the namespace of mounts must be new.

    Raises:
        OSError: the kernel refuses some of it; the process is of no more use then.
    """
    kernel.mount("none", Path("/"), flags=kernel.RECURSIVE | kernel.PRIVATE)
    stage = view.stage
    kernel.mount("tmpfs", stage, "tmpfs", _PLAIN, "mode=755,size=1m")
    for path in SYSTEM:
        _show(path, stage)
    _make(
        stage,
        Path("/tmp"),
        Path("/dev"),
        Path("/proc"),
        Path("/var"),
        Path("/home"),
        Path("/root"),
        Path("/run"),
    )
    (stage / "var/tmp").symlink_to("/tmp")
    _mount_tmp(stage)
    for path in view.private_around:
        _hide(path, stage)
    for path in sorted(view.shown):
        _show(path, stage)
    for path in view.private_within:
        _hide(path, stage)
    _hide(view.hidden, stage)
    _make(stage, *view.own)
    kernel.set_read_only(stage, recursive=True)
    kernel.set_read_only(stage / "tmp", value=False)
    for path in view.own:
        kernel.mount(str(path), _at(stage, path), flags=kernel.BIND)
    _mount_devices(stage / "dev")
    if view.own_processes:
        kernel.mount("proc", stage / "proc", "proc", _PLAIN | kernel.NOEXEC)
    else:
        kernel.bind(Path("/proc"), stage / "proc", recursive=True)
    kernel.enter_root(stage)


def _at(stage: Path, path: Path) -> Path:
    return stage / path.relative_to("/")


def _make(stage: Path, *paths: Path) -> None:
    for path in paths:
        _at(stage, path).mkdir(parents=True, exist_ok=True)


def _show(path: Path, stage: Path) -> None:
    """Show a file, a folder or a link as it is, unless it is there already."""
    place = _at(stage, path)
    if os.path.lexists(place) or not os.path.lexists(path):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        place.symlink_to(path.readlink())
        return
    place.mkdir() if path.is_dir() else place.touch()
    kernel.bind(path, place, recursive=True)


def _hide(path: Path, stage: Path) -> None:
    place = _at(stage, path)
    if place.is_symlink():  # leads to what is hidden, or to nothing that is shown
        return
    if place.is_dir():
        kernel.mount("tmpfs", place, "tmpfs", _PLAIN, "mode=755,size=1m")
    elif place.exists():
        kernel.bind(Path("/dev/null"), place)


def _mount_tmp(stage: Path) -> None:
    kernel.mount("tmpfs", stage / "tmp", "tmpfs", _PLAIN, f"mode=1777,size={TMP_BYTES}")


def _mount_devices(folder: Path) -> None:
    kernel.mount("tmpfs", folder, "tmpfs", kernel.NOSUID, "mode=755,size=64k")
    for name in _DEVICES:
        if Path("/dev", name).exists():
            (folder / name).touch()
            kernel.bind(Path("/dev", name), folder / name)
    for name, target in _DEVICE_LINKS.items():
        (folder / name).symlink_to(target)
    for name, kind, options in (
        ("pts", "devpts", "newinstance,ptmxmode=0666,mode=620"),
        ("shm", "tmpfs", _SHM_OPTIONS),
    ):
        (folder / name).mkdir()
        kernel.mount(kind, folder / name, kind, kernel.NOSUID, options)
    kernel.set_read_only(folder)
