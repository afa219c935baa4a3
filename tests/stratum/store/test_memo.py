"""Answers that are kept until somebody commits, whoever and wherever that is."""

import threading

import pytest
from sqlalchemy import text

from stratum.store import Database, Watched, memo


class Question:
    """Counts how often it is really asked."""

    def __init__(self, answer: object = 1) -> None:
        self.asked, self.answer = 0, answer

    def __call__(self, tx):
        self.asked += 1
        return self.answer if tx.scalar(text("SELECT 1")) else None


@pytest.fixture
def question():
    return Question()


def commit(db):
    with db.write() as tx:
        tx.execute(text("UPDATE environments SET stage = stage"))
        tx.execute(text("CREATE TABLE IF NOT EXISTS probe (n)"))
        tx.execute(text("INSERT INTO probe VALUES (1)"))


def test_answer_is_kept_while_nobody_writes(db, question):
    assert [db.known("k", question) for _ in range(3)] == [1, 1, 1]
    assert question.asked == 1


def test_answers_are_told_apart_by_their_keys(db, question):
    other = Question(2)

    assert (db.known("a", question), db.known("b", other), db.known("a", question)) == (1, 2, 1)


def test_commit_of_the_same_process_makes_it_ask_again(db, question):
    db.known("k", question)
    commit(db)
    question.answer = 7

    assert db.known("k", question) == 7


def test_commit_of_another_connection_makes_it_ask_again(db, question, tmp_path):
    other = Database.open(tmp_path / "stratum.db")
    db.known("k", question)
    commit(other)
    other.close()
    db.known("k", question)

    assert question.asked == 2


def test_what_is_not_there_is_not_kept(db):
    question = Question(None)
    for _ in range(3):
        assert db.known("k", question) is None

    assert question.asked == 3


def test_answer_read_before_a_commit_is_not_kept_for_after_it(db):
    """The commit comes after the question was asked, while its answer is under way."""

    def late(tx):
        value = tx.scalar(text("SELECT 1"))
        thread = threading.Thread(target=commit, args=(db,))
        thread.start()
        thread.join()
        return value

    again = Question(5)
    db.known("k", late)

    assert db.known("k", again) == 5


def test_it_forgets_before_it_grows_without_end(db, monkeypatch):
    monkeypatch.setattr(memo, "MAX_KNOWN", 3)
    questions = [Question(number) for number in range(1, 9)]
    for number, question in enumerate(questions):
        assert db.known(number, question) == number + 1

    assert len(db._memos[Watched.ANYTHING]._known) <= 3


def test_it_goes_on_after_the_database_was_closed(db, question):
    db.known("k", question)
    db.close()

    assert db.known("k", question) == 1
    db.close()
