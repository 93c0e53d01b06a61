"""Free TCP ports."""

import errno
import socket

from app.servers import CannotStartError

TRIES = 100


def free_port(host: str, wanted: int) -> int:
    """The first port from `wanted` on that nobody listens on; 0 takes any. Raises CannotStartError for a bad host."""
    for port in range(wanted, min(wanted + TRIES, 65536)):
        with socket.socket(_family(host)) as attempt:
            # As uvicorn does: connections that linger after a stop do not count, a listener still does.
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind((host, port))
                attempt.listen()
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise CannotStartError(f"Cannot listen on {host}: {error.strerror}") from None
            else:
                return int(attempt.getsockname()[1])
    raise CannotStartError(f"No free port from {wanted} to {wanted + TRIES - 1} on {host}.")


def listens(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket(_family(host)) as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex((host, port)) == 0


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
