"""The dispatcher of input workers by its address: understood, and looked for."""

import socket
import time

WAIT = 30  # seconds for it to answer


def parse_address(address: str | None, option: str) -> tuple[str, int]:
    """Understands an address.

    Args:
        address: HOST:PORT; None if there is none.
        option: Of the command line that gave it, for the message.

    Returns:
        The host, an IPv6 address without its brackets, and the port.

    Raises:
        ValueError: If it is no such address.
    """
    host, _, port = (address or "").rpartition(":")
    host = host.strip("[]")
    is_port = port.isdecimal() and int(port) <= 65535
    if host.split() != [host] or not is_port:
        raise ValueError(f"{option}: got {address}; give HOST:PORT")
    return host, int(port)


def find(address: str, option: str) -> None:
    """Waits until a dispatcher answers; TensorFlow would wait for ever, and silently.

    Args:
        address: HOST:PORT.
        option: Of the command line that gave it, for the message.

    Raises:
        ConnectionError: If nobody answers for `WAIT` seconds.
        ValueError: If it is no such address.
    """
    place = parse_address(address, option)
    deadline = time.monotonic() + WAIT
    while True:
        try:
            socket.create_connection(place, timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise ConnectionError(
                    f"{option}: {address}: nobody answers ({error}); start "
                    "scripts/serve_input.py dispatcher first"
                ) from error
        time.sleep(0.5)
