"""What gunicorn serves: `gunicorn --config python:gitserver.gunicorn_conf gitserver.wsgi:application`."""

import gc

from gitserver.app import create_app
from stratum.instance import Instance
from stratum.logs import configure

configure("web")
application = create_app(Instance.open())

# Before gunicorn forks: what is loaded now stays shared, because the collector never writes to it.
gc.collect()
gc.freeze()
