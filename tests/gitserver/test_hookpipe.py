"""What a hook asks and is told, however the pipes cut it."""

import os
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from gitserver.git.commands import ref_name
from gitserver.git.hookpipe import MAX_ANSWER, HookPipe, Question
from gitserver.git.programs import protocol
from stratum.model import RefUpdate

OID = st.text("0123456789abcdef", min_size=40, max_size=40)
# git's hook reads lines: a ref has neither line end nor NUL, and may be no UTF-8.
REF = st.binary(min_size=1, max_size=30).filter(lambda name: not {0, 10} & set(name)).map(ref_name)
UPDATES = st.lists(st.builds(RefUpdate, REF, OID, OID), min_size=1, max_size=5)
FOLDER = st.one_of(st.just(""), st.binary(min_size=1).filter(lambda name: 0 not in name).map(os.fsdecode))


def asked(question: Question) -> bytes:
    """Write what receive_hook.sh writes."""
    lines = [
        f"{update.old} {update.new} {update.ref}".encode("utf-8", "surrogateescape")
        for update in question.updates
    ]
    words = [os.fsencode(question.quarantine), *lines, b""]
    return b"".join(word + b"\0" for word in words)


@given(
    st.builds(Question, FOLDER, UPDATES.map(tuple)),
    st.data(),
)
def test_question_is_heard_once_it_is_whole(question, data):
    words = asked(question)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(words) - 1), max_size=5)))
    with closing(HookPipe()) as pipe:
        heard = []
        for start, end in zip([0, *cuts], [*cuts, len(words)], strict=True):
            os.write(pipe.child_ends()[0], words[start:end])
            heard.append(pipe.read())

    assert heard == [None] * len(cuts) + [question]


@given(st.lists(st.text()), st.integers(0, 1))
def test_answer_is_lines_of_the_hook_and_one_code_at_the_end(lines, code):
    with closing(HookPipe()) as pipe:
        pipe.answer(code, lines)
        told = os.read(pipe.child_ends()[1], 1 << 17).split(b"\n")

    assert told[-2:] == [b"x%d" % code, b""]
    assert len(told) == len(lines) + 2
    assert all(line[:1] == b"o" for line in told[:-2])


def test_answer_never_fills_the_pipe():
    with closing(HookPipe()) as pipe:
        pipe.answer(1, ["x" * 1000] * 1000)

        assert len(os.read(pipe.child_ends()[1], 1 << 17)) <= MAX_ANSWER + 10


@given(st.sampled_from(["git-receive-pack", "git-upload-pack"]), st.text())
def test_protocol_is_one_that_there_is_whatever_the_header(service, header):
    allowed = {"", "version=0", "version=1"} | ({"version=2"} if service == "git-upload-pack" else set())

    assert protocol(service, header) in allowed
    assert protocol(service, f"{header}:version=1:") in allowed - {""} or "version=2" in header
