"""The test suite: the embedded PostgreSQL and Valkey (tests/conftest.py fills in their addresses)."""

import os
import tempfile

os.environ.setdefault("DATABASE_URL", "postgresql://cdss_app@/cdss")
os.environ.setdefault("BROKER_URL", "redis+socket:///nowhere/valkey.sock")
os.environ.setdefault("SECRET_KEY", "test-only-key-that-guards-nothing-and-is-long-enough-to-be-accepted")
os.environ.setdefault("STORAGE_ROOT", tempfile.gettempdir() + "/cdss-test-storage")
os.environ.setdefault("LOG_LEVEL", "WARNING")

from cdss.settings.base import *

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
HTTPS_ONLY = False
ASSESS_DEBOUNCE_SECONDS = 0
