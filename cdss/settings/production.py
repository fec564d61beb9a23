"""A hospital's installation: HTTPS only, hashed static files, secrets from files."""

from django.core.exceptions import ImproperlyConfigured

from cdss.settings.base import *
from cdss.settings.env import env_bool

if len(SECRET_KEY) < 50 or SECRET_KEY.startswith("demo"):
    raise ImproperlyConfigured("SECRET_KEY must be a random value of at least 50 characters in production.")

STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
WHITENOISE_USE_FINDERS = False
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("BEHIND_TLS_PROXY", False) else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
