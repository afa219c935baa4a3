import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.procfile.advice import advice


def said(command: str, target: str = "worker") -> list[tuple[str, str]]:
    """What is said, beginning with the text it points to."""
    return [(command[found.offset :].partition(" ")[0], found.message) for found in advice(target, command)]


@pytest.mark.parametrize(
    "command",
    [
        "gunicorn -b 127.0.0.1:$PORT -D_FOO app:app",
        "python manage.py migrate && gunicorn app:app",
        "bundle exec rake db:migrate; exec bundle exec puma",
        "bundle exec rails server -p $PORT -e production",
        "bundle exec sidekiq -c 5 -q default",
        "celery -A app worker --loglevel info",
        "rq worker high 2>&1",
        "tail -F log & exec ./run",
        "echo 'a \"b' \"it's\" \\' a#' # don't",
        "node --port-file x server.js",
        "npm start",
        "npm run worker",
        "rails runner script.rb",
    ],
)
def test_ordinary_commands_are_not_commented_on(command: str):
    assert [one for one in said(command) if one[1] != '" #" within a command is passed on, not cut'] == []


@pytest.mark.parametrize(
    ("command", "at"),
    [
        ("rake db:migrate", "rake"),
        ("bundle exec rake db:migrate", "rake"),
        ("cd x && python ./manage.py migrate --noinput", "./manage.py"),
        ("python manage.py collectstatic", "manage.py"),
        ("alembic upgrade head", "alembic"),
        ("flask db upgrade", "flask"),
        ("npx knex migrate:latest", "knex"),
        ("npx prisma migrate deploy", "prisma"),
        ("php artisan migrate --force", "artisan"),
        ("npm run build", "run"),
        ("pip install -r requirements.txt", "pip"),
    ],
)
def test_what_ends_by_itself_is_no_worker(command: str, at: str):
    ((found, message),) = said(command)

    assert found == at
    assert message.endswith("ends when it is done, and a process that ends is taken for a crash")
    assert said(command, "release") == []


@pytest.mark.parametrize(
    ("command", "at"),
    [
        ("gunicorn -D app:app", "-D"),
        ("exec bin/gunicorn app:app --daemon", "--daemon"),
        ("bundle exec sidekiq -d -L x.log", "-d"),
        ("uwsgi --daemonize=x.log", "--daemonize=x.log"),
        ("celery multi start w1", "multi"),
        ("./run &", "&"),
    ],
)
def test_what_leaves_for_the_background_is_taken_for_a_crash(command: str, at: str):
    ((found, message),) = said(command)

    assert found == at
    assert message.endswith("which is taken for a crash")


@pytest.mark.parametrize(
    ("command", "at"),
    [("gunicorn app:app", "gunicorn"), ("migrate && A=1 bundle exec puma -C x", "puma"), ("npm start", "")],
)
def test_a_release_phase_has_to_end(command: str, at: str):
    found = list(advice("release", command))

    assert [command[one.offset :].startswith(at) for one in found] == ([True] if at else [])
    assert list(advice("web", "gunicorn app:app")) == []


def test_ttin_quiets_no_sidekiq():
    assert said("trap 'kill -TTIN $P' TERM; sidekiq")[0][0] == "TTIN"
    assert said("trap 'kill -TSTP $P' TERM; sidekiq") == []
    assert said("kill -TTIN 1") == []


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ("gunicorn -b 0.0.0.0:8000 app:app", "8000"),
        ("gunicorn --bind=127.0.0.1:80 app:app", "80"),
        ("rails server -p 3000", "3000"),
        ("python -m http.server 8080", "8080"),
        ("python manage.py runserver 0.0.0.0:8000", "8000"),
        ("gunicorn -b 0.0.0.0:${PORT:-8000} app:app", None),
        ("gunicorn app:app", None),
        ("wait-for db:5432 && serve", None),
    ],
)
def test_web_that_chooses_its_port_is_not_found(command: str, port: str | None):
    assert said(command, "worker") == []
    assert [at.partition(" ")[0] for at, _ in said(command, "web")] == ([port] if port else [])


@pytest.mark.parametrize(
    ("command", "at"), [("echo 'a", "'a"), ("echo \"it's", "\"it's"), ("echo 'a' \"b\" 'c\\'d'", "'")]
)
def test_an_open_quote_is_found_where_it_opens(command: str, at: str):
    assert said(command) == [(at, f"nothing closes the quote {at[0]}")]


@given(st.lists(st.sampled_from(["'", '"', "\\", "a", " ", "#", "a b"])).map("".join))
def test_bash_agrees_about_open_quotes(command: str):
    """Within what has neither substitutions nor here documents."""
    bash = shutil.which("bash")
    assert bash is not None
    if command.endswith("\\"):
        return
    checked = subprocess.run([bash, "-n", "-c", command], capture_output=True, text=True, check=False)

    opened = any(message.startswith("nothing closes") for _, message in said(command))
    assert opened == ("unexpected EOF" in checked.stderr)


@given(st.text(max_size=60), st.sampled_from(["web", "worker", "release"]))
def test_advice_points_into_the_command(command: str, target: str):
    for found in advice(target, command):
        assert 0 <= found.offset < len(command)
