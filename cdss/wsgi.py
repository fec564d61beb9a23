"""The WSGI application that granian serves."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from cdss.core.request import without_malformed_headers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdss.settings.production")
django_application = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    return django_application(without_malformed_headers(environ), start_response)
