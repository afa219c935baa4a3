"""Serves from a process that has left its parents and its session, as old daemons do."""

import os
import time
from http.server import HTTPServer, SimpleHTTPRequestHandler

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        HTTPServer(("127.0.0.1", int(os.environ["PORT"])), SimpleHTTPRequestHandler).serve_forever()
    os._exit(0)
os.wait()
time.sleep(3600)
