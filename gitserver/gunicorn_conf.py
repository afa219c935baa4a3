"""Settings of gunicorn for the web process; each name is one of gunicorn's own (27.0)."""

import resource

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from gitserver import places
from gitserver.services import services_of
from hooks import settler
from hooks.parts import Parts
from stratum.instance import Instance
from stratum.prefork import die_with_parent

DESCRIPTORS = 65_536

_instance = Instance.open()

bind = f"unix:{_instance.layout.web_socket}"
umask = 0o007
worker_class = "gthread"
workers = 1
# Each is made when there is none at rest, and then stays (docs/performance.md says what it costs).
threads = places.threads(_instance.settings)
# The router's connections at rest count, too. When there is no room for those, each is closed after
# its request; when there is none for another, it waits to be accepted.
worker_connections = 2 * threads + 1024
preload_app = True
# The worker's main thread beats, not the requests: a push may stream for hours.
timeout = 60
graceful_timeout = 5  # live streams would hold a stop for ever
keepalive = 60  # the router's own pool of connections
worker_tmp_dir = "/dev/shm"
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
# As much as the router takes (`runner/router/config.py`): where a reader of an app with a hundred processes
# is takes 13 KiB of a header.
limit_request_field_size = 64 << 10
limit_request_line = 8190  # gunicorn's most
# Only the router reaches the socket, and it is the one that knows the caller's address.
forwarded_allow_ips = "*"


def when_ready(_server: Arbiter) -> None:
    """Let the router in: its folder (2710) keeps all others out.

    Gunicorn has given the socket its own group meanwhile (27.0, `UnixSocket.bind`), which the router lacks.
    """
    _instance.layout.web_socket.chmod(0o777)


def post_fork(_server: Arbiter, worker: Worker) -> None:
    """Give the worker connections of its own, and no life without its master."""
    die_with_parent()
    _allow_descriptors()
    services = services_of(worker.app.wsgi())
    services.database.forget_connections()
    settler.start(Parts(services.instance, services.database, services.nudges))


def _allow_descriptors() -> None:
    """Take more descriptors than the customary 1024: a push that is received needs eight."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
