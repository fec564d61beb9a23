"""Why a demonstration stops."""

from __future__ import annotations


class DemonstrationError(Exception):
    """Something a newcomer can act on, in one sentence."""


class DemonstrationInterrupted(Exception):  # noqa: N818  nobody's mistake
    """Ctrl-C or SIGTERM before it was ready."""
