"""Pushes that mean harm: each is refused in a line for its ref and leaves nothing; the next one is served."""

import re
import struct
from pathlib import Path

import pytest

from gitserver.git.pktline import FLUSH, pkt
from stratum.model import App
from tests.gitweb import FakeBuilder, GitWeb, PushState, run_git, served
from tests.packs import MIB, claimed, delta_bomb, entry, oid_of, pack_of
from tests.rawgit import CAPABILITIES, ZERO, Answer, first_push, is_clean, post
from tests.repos import commit, git
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

REJECTED = re.compile(r"! \[remote rejected\] (\S+) -> (\S+) \((.+)\)")
WHO = b"A. Tester <tester@example.org> 1700000000 +0000"


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with served(tmp_path_factory.mktemp("web")) as started, FakeBuilder(started):
        yield started


def assert_nothing_left(web: GitWeb, app: App) -> None:
    wait_until(lambda: is_clean(web, app))
    assert run_git(web.folder, "ls-remote", web.url(app)).code == 0


def refused(web: GitWeb, source: Path, oid: str, ref: str = "refs/heads/master") -> str:
    """Push by a real git to a new app, which must refuse it; return the reason that the ref's line gives."""
    app = web.new_app()

    pushed = run_git(source, "push", web.url(app), f"{oid}:{ref}")

    found = REJECTED.findall(pushed.said)
    assert (pushed.code, len(found)) == (1, 1), pushed.said
    assert_nothing_left(web, app)
    return str(found[0][2])


def push_body(pack: bytes, new: str, ref: str = "refs/heads/master", old: str = ZERO) -> bytes:
    return pkt(f"{old} {new} {ref}\0{CAPABILITIES}".encode()) + FLUSH + pack


def refused_raw(web: GitWeb, body: bytes) -> str:
    """Send a push by hand, which must be refused with one line for its ref; return the reason."""
    app = web.new_app()

    answer = post(web, app, body)

    (reason,) = reasons(answer)
    assert_nothing_left(web, app)
    return reason


def reasons(answer: Answer) -> list[str]:
    assert answer.status == 200
    lines = answer.report.decode("utf-8", "replace").splitlines()
    return [line.split(" ", 2)[2] for line in lines if line[4:].startswith("ng ")]


def commit_of(tree: bytes | str, *, author: bytes = WHO, parents: str = "") -> bytes:
    of_tree = tree if isinstance(tree, str) else oid_of("tree", tree)
    return b"tree %s\n%sauthor %s\ncommitter %s\n\nx\n" % (of_tree.encode(), parents.encode(), author, WHO)


def tree_of(*names: tuple[bytes, bytes, str]) -> bytes:
    return b"".join(b"%s %s\0%s" % (mode, name, bytes.fromhex(oid)) for mode, name, oid in names)


# -- objects that git does not accept

PROCFILE = b"web: a\n"
BLOB = oid_of("blob", PROCFILE)
EMPTY_TREE = oid_of("tree", b"")
FILE, FOLDER, LINK = b"100644", b"40000", b"120000"
OWN = (FILE, b"Procfile", BLOB)

BAD_TREES = {
    ".git as a file": ([(FILE, b".git", BLOB), OWN], "'.git'"),
    ".git as a folder": ([(FOLDER, b".git", EMPTY_TREE), OWN], "'.git'"),
    ".GIT": ([(FOLDER, b".GIT", EMPTY_TREE), OWN], "'.git'"),
    "git~1, its short name on Windows": ([OWN, (FOLDER, b"git~1", EMPTY_TREE)], "'.git'"),
    ".git with what HFS+ ignores": ([(FOLDER, b".g\xe2\x80\x8cit", EMPTY_TREE), OWN], "'.git'"),
    "..": ([(FOLDER, b"..", EMPTY_TREE), OWN], "'..'"),
    ".": ([(FOLDER, b".", EMPTY_TREE), OWN], "'.'"),
    "a path": ([OWN, (FILE, b"a/b", BLOB)], "full pathnames"),
    "an absolute path": ([(FILE, b"/etc/passwd", BLOB), OWN], "full pathnames"),
    "no name": ([(FILE, b"", BLOB), OWN], "cannot be parsed"),
    "a name twice": ([OWN, OWN], "duplicate"),
    "a file and a folder of a name": ([OWN, (FOLDER, b"Procfile", EMPTY_TREE)], "duplicate"),
    "no order": ([(FILE, b"z", BLOB), OWN], "not properly sorted"),
    ".gitmodules as a link": ([(LINK, b".gitmodules", BLOB), OWN], "symbolic link"),
    "a nameless object": ([(FILE, b"A", ZERO), OWN], "null"),
}


@pytest.mark.parametrize(("names", "said"), BAD_TREES.values(), ids=BAD_TREES.keys())
def test_bad_tree_is_refused_with_its_fault(web, names, said):
    tree = tree_of(*names)
    tip = commit_of(tree)
    objects = [("blob", PROCFILE), ("tree", b""), ("tree", tree), ("commit", tip)]
    pack = pack_of(entry(kind, data) for kind, data in objects)

    reason = refused_raw(web, push_body(pack, oid_of("commit", tip)))

    assert said in reason
    assert oid_of("tree", tree)[:12] in reason


BAD_COMMITS = {
    "no author": b"tree %s\ncommitter %s\n\nx\n" % (EMPTY_TREE.encode(), WHO),
    "author without mail": commit_of(b"", author=b"A. Tester 1700000000 +0000"),
    "author without date": commit_of(b"", author=b"A. Tester <t@example.org>"),
    "date beyond time": commit_of(b"", author=b"A <t@example.org> 99999999999999999999 +0000"),
    "mail that forges a line": commit_of(b"", author=b"A <t@example.org>> 1 +0000\nauthor B <b> 1 +0000"),
    "no tree": b"author %s\ncommitter %s\n\nx\n" % (WHO, WHO),
    "bad id of the tree": commit_of("x" * 40),
    "nothing": b"",
    "NUL in its head": commit_of(b"", author=b"A\0 <t@example.org> 1700000000 +0000"),
}


@pytest.mark.parametrize("tip", BAD_COMMITS.values(), ids=BAD_COMMITS.keys())
def test_bad_commit_is_refused(web, tip):
    pack = pack_of([entry("tree", b""), entry("commit", tip)])

    assert refused_raw(web, push_body(pack, oid_of("commit", tip)))


BAD_MODULES = {
    "option as URL": b'[submodule "x"]\n\tpath = x\n\turl = -u./payload\n',
    "path outside": b'[submodule "../../x"]\n\tpath = x\n\turl = https://example.org/x\n',
    "command as update": b'[submodule "x"]\n\tpath = x\n\turl = https://example.org/x\n\tupdate = !sh\n',
}


@pytest.mark.parametrize("modules", BAD_MODULES.values(), ids=BAD_MODULES.keys())
def test_gitmodules_that_attack_who_clones_are_refused(web, modules):
    source = web.source(f"modules-{len(modules)}", {"Procfile": "web: a\n", ".gitmodules": modules})

    assert "is not sound" in refused(web, source, "master")


# -- objects that are not there


def test_missing_objects_are_refused_whichever_they_are(web):
    tree = tree_of(OWN)
    tip = commit_of(tree)
    child = commit_of(tree, parents=f"parent {oid_of('commit', tip)}\n")
    parts = {"blob": PROCFILE, "tree": tree, "commit": tip}
    for absent in parts:
        if absent == "commit":
            new, sent = child, [("blob", PROCFILE), ("tree", tree)]
        else:
            new, sent = tip, [(kind, data) for kind, data in parts.items() if kind not in (absent, "commit")]
        pack = pack_of(entry(kind, data) for kind, data in [*sent, ("commit", new)])

        reason = refused_raw(web, push_body(pack, oid_of("commit", new)))
        assert "were not sent" in reason or "it lacks" in reason


def test_id_of_nothing_is_refused(web):
    assert "were not sent" in refused_raw(web, push_body(pack_of([]), "1" * 40))


def test_delta_without_its_base_is_refused(web):
    pack, _ = delta_bomb(8_000_000)
    without_first = pack_of([pack[12 + len(entry("blob", bytes(4000))) : -20]])

    assert refused_raw(web, push_body(without_first, "1" * 40))


def test_push_that_takes_the_ref_to_be_elsewhere_is_refused(web):
    app, source = web.new_app(), web.source("stale")
    old = git(source, "rev-parse", "HEAD")
    assert run_git(source, "push", web.url(app), "master").code == 0
    objects = web.objects(app)
    tip = commit(source, {"more": "1"})

    for taken in (ZERO, "2" * 40):
        (reason,) = reasons(post(web, app, push_body(pack_with(source, tip), tip, old=taken)))
        assert "has moved" in reason
    assert (web.ref(app), web.objects(app)) == (old, objects)


def pack_with(source: Path, tip: str) -> bytes:
    body = first_push(source)
    assert tip.encode() in body
    return body[body.index(b"PACK") :]


# -- packs


GOOD = pack_of(
    [entry("blob", PROCFILE), entry("tree", tree_of(OWN)), entry("commit", commit_of(tree_of(OWN)))]
)
TIP = oid_of("commit", commit_of(tree_of(OWN)))

BAD_PACKS = {
    "none at all": b"",
    "cut in its head": GOOD[:10],
    "cut": GOOD[:-30],
    "cut in its checksum": GOOD[:-1],
    "a wrong checksum": GOOD[:-1] + bytes([GOOD[-1] ^ 1]),
    "a changed byte": GOOD[:40] + bytes([GOOD[40] ^ 1]) + GOOD[41:],
    "more objects told than sent": GOOD[:8] + struct.pack(">I", 4) + GOOD[12:],
    "fewer objects told than sent": GOOD[:8] + struct.pack(">I", 2) + GOOD[12:],
    "four milliards of objects told": GOOD[:8] + b"\xff" * 4 + GOOD[12:],
    "version 9": GOOD[:4] + struct.pack(">I", 9) + GOOD[8:],
    "another file": b"\x7fELF" + bytes(500),
}


@pytest.mark.parametrize("pack", BAD_PACKS.values(), ids=BAD_PACKS.keys())
def test_bad_pack_is_refused(web, pack):
    assert refused_raw(web, push_body(pack, TIP))


@pytest.mark.parametrize("more", [b"m", b"more" * 500, bytes(1 << 20)], ids=["1 B", "2 KB", "1 MiB"])
def test_what_follows_a_pack_is_refused_with_it(web, more):
    """git 2.39 alone takes such a push or not, by which of its processes is quicker."""
    for _ in range(3):
        assert refused_raw(web, push_body(GOOD + more, TIP))


def test_good_pack_is_taken(web):
    """So that the bad ones are bad by their faults alone."""
    assert b"ok refs/heads/master" in post(web, web.new_app(), push_body(GOOD, TIP)).report


def test_bomb_of_deltas_bursts_in_gits_limit_of_memory(web):
    """Some 200 bytes that make 2 GB."""
    pack, _ = delta_bomb(2_000_000_000)

    assert "memory" in refused_raw(web, push_body(pack, TIP))


def test_commit_that_is_a_bomb_bursts_there_too(web):
    """Unlike a blob it is held whole."""
    pack = pack_of([claimed("commit", 1100 * MIB)])

    assert "memory" in refused_raw(web, push_body(pack, TIP))


# -- heads


@pytest.mark.parametrize("ref", ["HEAD", "master", "/etc/passwd", "refs/heads/\x7f", "refs/heads/a\tb"])
def test_ref_outside_of_its_places_is_refused(web, ref):
    app = web.new_app()
    assert run_git(web.folder, "ls-remote", web.url(app)).code == 0  # which makes its repository

    answer = post(web, app, push_body(GOOD, TIP, ref=ref))

    assert answer.status == 400 or len(reasons(answer)) == 1
    assert_nothing_left(web, app)


BAD_REFS = [
    "refs/heads/../x",
    "refs/heads/x.lock",
    "refs/heads/a b",
    "refs/heads/x..y",
    "refs/heads/.x",
    "refs/heads/",
    "refs/heads//x",
    "refs/heads/x~1",
    "refs/heads/@{",
    "refs/heads/x\\y",
    "refs/../../x",
    "/etc/passwd",
    "HEAD",
    "master",
    "refs/x",
]


@pytest.mark.parametrize("ref", BAD_REFS)
def test_bad_name_of_a_ref_is_refused(web, ref):
    assert refused_raw(web, push_body(GOOD, TIP, ref=ref))


def test_ref_in_the_way_of_another_is_refused(web):
    app, source = web.new_app(), web.source("in-the-way")
    assert run_git(source, "push", web.url(app), "master:topic").code == 0

    pushed = run_git(source, "push", web.url(app), "master:topic/a")

    ((_, ref, reason),) = REJECTED.findall(pushed.said)
    assert (pushed.code, ref) == (1, "topic/a")
    assert reason
    assert web.ref(app, "refs/heads/topic/a") == ""


def test_more_refs_than_fit_are_refused_before_git_starts(web):
    app = web.new_app()
    lines = [pkt(f"{ZERO} {TIP} refs/heads/{number:015}".encode()) for number in range(40_001)]

    answer = post(web, app, b"".join(lines) + FLUSH)

    assert (answer.status, answer.body) == (413, b"The request is too large: 4194304 bytes are allowed.\n")
    assert web.newest(app) is None


def test_repository_of_another_hash_cannot_be_pushed(web):
    """The client sees it in the list of refs; one that does not look is told."""
    app, folder = web.new_app(), web.folder / "sha256"
    folder.mkdir()
    git(folder, "init", "--quiet", "--object-format=sha256", "--initial-branch=master")
    tip = commit(folder, {"Procfile": "web: a\n"})

    pushed = run_git(folder, "push", web.url(app), "master")
    raw = post(web, app, pkt(f"{'0' * 64} {tip} refs/heads/master\0object-format=sha256".encode()) + FLUSH)

    assert pushed.code != 0
    assert raw.status == 400
    assert_nothing_left(web, app)


def test_certificates_are_not_taken(web):
    app, source = web.new_app(), web.source("signed")

    pushed = run_git(source, "push", "--signed", web.url(app), "master")
    raw = post(web, app, pkt(b"push-cert\0report-status\n") + pkt(b"certificate version 0.1\n") + FLUSH)

    assert pushed.code != 0
    assert "does not support --signed" in pushed.said
    assert raw.status == 400
    assert_nothing_left(web, app)


def test_more_objects_than_a_push_may_bring_are_refused(tmp_path):
    with served(tmp_path, STRATUM_MAX_PUSH_OBJECTS="2") as web:
        reason = refused_raw(web, push_body(GOOD, TIP))

    assert reason.startswith("The push has 3 objects; 2 are allowed")


def test_more_options_than_allowed_are_refused_in_a_line_for_the_ref(web):
    app = web.new_app()
    options = b"".join(pkt(b"plan") for _ in range(5000)) + FLUSH
    command = pkt(f"{ZERO} {TIP} refs/heads/master\0{CAPABILITIES} push-options".encode())

    (reason,) = reasons(post(web, app, command + FLUSH + options + GOOD))

    assert "at most 50" in reason
    assert_nothing_left(web, app)


@pytest.mark.parametrize("capabilities", ["report-status side-band-64k=1", "report-status\x0bside-band-64k"])
def test_ref_that_git_moves_is_known_to_have_moved_whatever_the_capabilities(web, capabilities):
    """git alone takes the first for a wish to have the report in side bands."""
    app = web.new_app()
    body = pkt(f"{ZERO} {TIP} refs/heads/topic\0{capabilities}".encode()) + FLUSH + GOOD

    answer = post(web, app, body)

    wait_until(lambda: not web.pending(app))  # what deploys nothing is recorded after its answer
    newest = web.newest(app, "refs/heads/topic")
    assert newest is not None
    assert (web.ref(app, "refs/heads/topic"), newest.state) == (TIP, PushState.ACCEPTED)
    assert answer.body in (b"", pkt(b"unpack ok\n") + pkt(b"ok refs/heads/topic\n") + FLUSH)
