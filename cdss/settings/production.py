"""A hospital's installation: HTTPS only, hashed static files, secrets from files."""

from django.core.exceptions import ImproperlyConfigured

from cdss.settings.base import *
from cdss.settings.env import address_check, env_bool

# The keys of the demonstration and of the tests start so; the first are random too, but they lie in its data folder.
if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10 or SECRET_KEY.startswith(("demo", "test")):
    raise ImproperlyConfigured(
        "SECRET_KEY must be a random value of at least 50 characters in production, made for this installation alone;"
        " `openssl rand -hex 32` prints one."
    )
if any("*" in host for host in ALLOWED_HOSTS):
    raise ImproperlyConfigured("ALLOWED_HOSTS must not contain *; list the names that clinicians type.")
if not STORAGE_ROOT.is_absolute() or STORAGE_ROOT.resolve().is_relative_to(BASE_DIR):
    raise ImproperlyConfigured(
        f"STORAGE_ROOT must be the absolute path of a folder outside the code's own, {BASE_DIR};"
        " name one such as /var/lib/cdss/storage."
    )
# Only the names are looked at: what is in a release is verified where it is loaded. No separator can be in them.
_RELEASES = sorted(path.parent.name for path in (BASE_DIR / "ml" / "releases").glob("*/manifest.json"))
if MODEL_RELEASE not in _RELEASES:
    raise ImproperlyConfigured(f"MODEL_RELEASE={MODEL_RELEASE!r} is no release; set one of {', '.join(_RELEASES)}.")
address_check("BROKER_URL", BROKER_URL, of_hosts=("redis", "rediss", "amqp", "amqps"), of_sockets=("redis+socket",))
if BROKER_URL.startswith("amqp") and CACHES["default"]["LOCATION"] == BROKER_URL:
    raise ImproperlyConfigured("CACHE_URL is not set and BROKER_URL is no Redis; set CACHE_URL to the cache's address.")
address_check("CACHE_URL", CACHES["default"]["LOCATION"], of_hosts=("redis", "rediss"), of_sockets=("unix",))

STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
WHITENOISE_USE_FINDERS = False
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("BEHIND_TLS_PROXY", False) else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
