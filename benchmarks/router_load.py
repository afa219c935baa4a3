"""A server to ask, in a process of its own, and a client that asks it so many times a second."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

CONNECTIONS = 16
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def answering() -> Iterator[int]:
    """Have a process answer `ok` to everything; yield its port."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def latencies(port: int, host: str, rate: int, seconds: float) -> list[float]:
    """Ask at a steady rate over kept connections; return the seconds from when each was due to its answer."""
    return asyncio.run(_asked(port, host, rate, seconds))


async def _asked(port: int, host: str, rate: int, seconds: float) -> list[float]:
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    start, found = time.perf_counter(), []

    async def ask(number: int) -> None:
        reader, writer = streams[number]
        for turn in range(number, int(rate * seconds), CONNECTIONS):
            due = start + turn / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent = time.perf_counter()  # a late timer is the client's, not what is measured
            writer.write(request)
            await reader.readuntil(b"\r\n\r\nok")
            found.append(time.perf_counter() - sent)

    await asyncio.gather(*(ask(number) for number in range(CONNECTIONS)))
    for _, writer in streams:
        writer.close()
    return found


def _serve(parent: Connection) -> None:
    asyncio.run(_serving(parent))


async def _serving(parent: Connection) -> None:
    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport, self.got = transport, b""

        def data_received(self, data: bytes) -> None:
            self.got += data
            while b"\r\n\r\n" in self.got:
                self.got = self.got.partition(b"\r\n\r\n")[2]
                self.transport.write(ANSWER)

    server = await asyncio.get_running_loop().create_server(Protocol, "127.0.0.1", 0)
    parent.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
