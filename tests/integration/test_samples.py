"""Apps of frameworks that people use, each pushed as a person does, and used."""

import http.client
import json
import re
from urllib.parse import urlencode

import pytest

from tests.nodejs import need_node
from tests.served import Served
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

ANOTHER_MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notes", "0001_initial")]
    operations = [migrations.AddField("Note", "author", models.CharField(max_length=50, default="somebody"))]
"""
AUTHOR = '    author = models.CharField(max_length=50, default="somebody")\n'


class Answer:
    """What an app has answered."""

    def __init__(
        self, served: Served, app: str, path: str, form: dict[str, str] | None = None, **headers: str
    ):
        host = f"{app}.myprodenv.localhost:{served.port}"
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        method, body = ("GET", "") if form is None else ("POST", urlencode(form))
        kind = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request(method, path, body, {"Host": host, **kind, **headers})
            response = connection.getresponse()
            self.status, self.headers, self.text = response.status, response.headers, response.read().decode()
        finally:
            connection.close()

    def find(self, pattern: str) -> str:
        found = re.search(pattern, self.text)
        assert found, self.text
        return found[1]


def test_django_migrates_its_database_before_its_web_process_and_keeps_it(served: Served):
    repo = served.app("guestbook", "django_static")
    served.stratum("vars", "set", "SECRET_KEY=a-key-of-the-tests-that-nobody-else-has", cwd=repo)
    served.stratum("storage", "create", "notes", cwd=repo)
    served.stratum("storage", "mount", "notes", "data", cwd=repo)

    said = served.push(repo)

    assert "1 static file copied" in said
    assert "Applying notes.0001_initial... OK" in said
    page = Answer(served, "guestbook", "/")
    assert "Migrations at start: 0001_initial<" in page.text
    style = Answer(served, "guestbook", page.find(r'href="(/static/notes/site\.[0-9a-f]{12}\.css)"'))
    assert "rebeccapurple" in style.text
    assert "immutable" in style.headers["Cache-Control"]
    assert write(served, page, "Eva was here") == 302

    migrations = repo / "notes/migrations"
    (migrations / "0002_note_author.py").write_text(ANOTHER_MIGRATION)
    models = repo / "notes/models.py"
    models.write_text(models.read_text() + AUTHOR)
    served.commit(repo)
    said = served.push(repo)

    assert "Applying notes.0002_note_author... OK" in said
    page = Answer(served, "guestbook", "/")
    assert "Migrations at start: 0001_initial, 0002_note_author<" in page.text
    assert "<li>Eva was here</li>" in page.text


def write(served: Served, page: Answer, text: str) -> int:
    """Send the form of the page; return the status."""
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    form = {"csrfmiddlewaretoken": page.find(r'name="csrfmiddlewaretoken" value="(\w+)"'), "text": text}
    return Answer(served, "guestbook", "/", form, Cookie=cookie).status


def test_celery_does_what_flask_has_queued_in_a_release_before(served: Served):
    repo = served.app("greeter", "flask_celery")
    served.stratum("storage", "create", "jobs", cwd=repo)
    served.stratum("storage", "mount", "jobs", "jobs", cwd=repo)
    served.push(repo)
    job = Answer(served, "greeter", "/jobs", {"name": "Eva"}).headers["Location"]
    assert "waiting for a worker" in Answer(served, "greeter", job).text

    served.stratum("vars", "set", "GREETING=Ahoj", cwd=repo)
    served.stratum("worker", "worker", cwd=repo)

    wait_until(lambda: "Ahoj, Eva, from worker.1" in Answer(served, "greeter", job).text, timeout=30)


def test_express_serves_what_vite_has_built(served: Served):
    need_node()
    repo = served.app("counter", "express_vite")
    served.stratum("vars", "set", "VITE_PLACE=Brno", cwd=repo)

    said = served.push(repo)

    assert "installing package-lock.json with npm" in said
    assert "Running build" in said
    page = Answer(served, "counter", "/")
    script = Answer(served, "counter", page.find(r'src="(/assets/index-[\w-]+\.js)"'))
    assert "Brno" in script.text
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    greeting = json.loads(Answer(served, "counter", "/api/greeting").text)
    assert greeting == {"greeting": "Hello", "mode": "production"}

    source = repo / "src/main.js"
    source.write_text(source.read_text().replace("nowhere", "elsewhere").replace(" from ", " out of "))
    served.commit(repo)
    said = served.push(repo)

    assert "package-lock.json is unchanged, nothing to install" in said
    page = Answer(served, "counter", "/")
    assert "out of" in Answer(served, "counter", page.find(r'src="(/assets/index-[\w-]+\.js)"')).text
    shown = served.stratum("releases", "show", "v2", cwd=repo)
    assert re.search(r"^buildpacks +node$", shown, re.MULTILINE)
    assert re.search(r"^packages +1$", shown, re.MULTILINE)


def test_a_python_app_serves_what_node_has_built(served: Served):
    need_node()
    manifest = json.dumps({"scripts": {"build": "node build.js"}})
    build = "require('fs').writeFileSync('page.html', `built by ${process.release.name}`);\n"
    web = "web: python -m http.server --bind 127.0.0.1 $PORT\n"
    source = {
        "Procfile": web,
        "package.json": manifest,
        "build.js": build,
        "requirements.txt": "six==1.17.0\n",
    }
    repo = served.app("assets", source)

    served.push(repo)

    assert Answer(served, "assets", "/page.html").text == "built by node"
