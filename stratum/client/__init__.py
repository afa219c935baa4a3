"""The HTTP API from the other side. `Server` is a Stratum, `RemoteApp` one app on it."""

from stratum.client.app import RemoteApp
from stratum.client.server import Server

__all__ = ["RemoteApp", "Server"]
