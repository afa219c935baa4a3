"""What gunicorn serves: `gunicorn --config python:gitserver.gunicorn_conf gitserver.wsgi:application`."""

import gc
from wsgiref.util import setup_testing_defaults

from gitserver.app import create_app
from gitserver.services import services_of
from stratum.instance import Instance
from stratum.logs import configure

configure("web")
application = create_app(Instance.open())


def _warm() -> None:
    """Answer one request before gunicorn forks: what it makes for the first time is then made once."""
    asked: dict[str, object] = {"PATH_INFO": "/api/whoami"}
    setup_testing_defaults(asked)
    with application.request_context(asked):
        application.full_dispatch_request()
    services_of(application).database.close()


_warm()
# What is loaded now stays shared, because the collector never writes to it.
gc.collect()
gc.freeze()
