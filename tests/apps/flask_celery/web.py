"""A page that hands jobs to the worker and shows what became of them."""

import os

from flask import Flask, redirect, render_template_string, request
from werkzeug.serving import make_server

from jobs import greet, process_name

PAGE = """<!doctype html>
<title>Sample</title>
<h1>{{ greeting }} from {{ process }}</h1>
<form method="post" action="/jobs"><input name="name" value="world"><button>Greet by the worker</button></form>
{% if job %}<p>Job {{ job.id }}: {{ job.result if job.successful() else "waiting for a worker" }}</p>{% endif %}
"""

app = Flask(__name__)


@app.get("/")
def index():
    return page()


@app.post("/jobs")
def add():
    return redirect(f"/jobs/{greet.delay(request.form['name']).id}", code=303)


@app.get("/jobs/<uuid:job>")
def show(job):
    return page(greet.AsyncResult(str(job)))


def page(job=None):
    greeting = os.environ.get("GREETING", "Hello")
    return render_template_string(PAGE, greeting=greeting, process=process_name(), job=job)


if __name__ == "__main__":
    port = int(os.environ["PORT"])
    print(f"listening on port {port}", flush=True)
    make_server("127.0.0.1", port, app, threaded=True).serve_forever()
