"""`stratum down`: the apps and services end in order, and nothing of them stays."""

import time

from stratum.door.client import Door
from stratum.errors import Unavailable
from stratum.instance import Instance
from stratum.ownership import is_alive, process_name
from stratum.settings import Settings
from stratum.supervisor import Supervisor
from stratum.up.folders import remove_descriptions
from stratum.up.start import alone, is_running

SERVICES_END_S = 60.0


def stop(settings: Settings) -> bool:
    """Stop an instance; whether it was running.

    Raises:
        Unavailable: there is no instance in the data folder, or supervisord does not end.
    """
    instance = Instance.open(settings)
    with alone(instance.layout.data):
        was_running = is_running(instance)
        if was_running:
            _end(instance)
        Door(instance.layout, instance.fence).end_all_strays()
        remove_descriptions(instance)
    return was_running


def _end(instance: Instance) -> None:
    supervisor = Supervisor(instance.layout.supervisord_socket)
    daemon = process_name(supervisor.pid())
    # What could start something anew goes first, the apps and then the other services follow
    # (the plugin ends all apps at once; supervisord ends our services by falling priority).
    supervisor.stop_service("_work")
    supervisor.shutdown()
    deadline = time.monotonic() + SERVICES_END_S + instance.settings.stop_grace_s
    while is_alive(daemon):
        if time.monotonic() > deadline:
            message = f"supervisord (pid {daemon.partition(':')[0]}) does not end."
            raise Unavailable(message, f"See {instance.layout.run / 'supervisord.log'}.")
        time.sleep(0.02)
