"""The two ports of the demonstration: the web pages' own, and the next one for DICOMweb."""

from __future__ import annotations

import os
import socket

from cdss.demo.errors import DemonstrationError

LAST_PORT = 65534  # its next one is the last there is
FIRST_ORDINARY_PORT = 1024


def ports_check(port: int) -> None:
    """Refuse, before anything is started, a port that cannot be listened on; the sentence names whose it is."""
    first = 1 if os.geteuid() == 0 else FIRST_ORDINARY_PORT
    if not first <= port <= LAST_PORT:
        raise DemonstrationError(
            f"port {port} is outside {first} to {LAST_PORT}; the web pages take the port that --port names, DICOMweb "
            "the next one."
        )
    _probe(port, "the web pages need it")
    _probe(port + 1, "DICOMweb needs it, being the one after --port")


def _probe(port: int, why: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise DemonstrationError(
                f"there is no permission to listen on port {port} ({why}); choose another with --port."
            ) from error
        except OSError as error:
            raise DemonstrationError(f"port {port} is not free ({why}); choose another with --port.") from error
