"""Settings common to every environment. What a service needs to know reaches it as an argument from here."""

from __future__ import annotations

from pathlib import Path

from cdss.settings.env import database_from_url, env_bool, env_choice, env_int, env_list, env_text

BASE_DIR = Path(__file__).resolve().parent.parent.parent

DEBUG = False
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "cdss.core",
    "cdss.accounts",
    "cdss.audit",
    "cdss.jobs",
    "patients",
    "imaging",
    "cdss.assessments",
    "cdss.dashboard",
    "cdss.demo",
]

MIDDLEWARE = [
    "cdss.core.middleware.RequestIdMiddleware",
    "cdss.core.middleware.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "cdss.core.middleware.MalformedHeaderMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "cdss.audit.middleware.RefusedAccessMiddleware",
    "cdss.core.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "cdss.urls"
WSGI_APPLICATION = "cdss.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cdss.core.context.environment",
            ],
            "builtins": ["cdss.core.templatetags.cdss"],
        },
    }
]

# The application connects as a role that cannot change the schema nor edit append-only tables; migrations run with
# DATABASE_OWNER_URL (see docs/architecture.md).
DATABASES = {"default": database_from_url(env_text("DATABASE_URL"))}
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True  # survives a transaction-pooling proxy
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

BROKER_URL = env_text("BROKER_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env_text("CACHE_URL", BROKER_URL.replace("redis+socket://", "unix://")),
    }
}

SECRET_KEY = env_text("SECRET_KEY")
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["cdss.accounts.authentication.PasswordBackend"]
# The demonstration's published passwords and tokens work only where this is true.
DEMONSTRATION = False
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "worklist"
LOGOUT_REDIRECT_URL = "sign-in"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = False
CSRF_FAILURE_VIEW = "cdss.core.error_pages.csrf_failure"
X_FRAME_OPTIONS = "DENY"
# Not "no-referrer": browsers then send "Origin: null" with forms, which the CSRF check rightly refuses.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Filled by collectstatic, in production only; elsewhere WhiteNoise serves the sources.
STATIC_ROOT = env_text("STATIC_ROOT", "") or None
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "cdss.accounts.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["cdss.accounts.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "cdss.core.problem.exception_handler",
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Clinical decision support",
    "DESCRIPTION": "Decision support, not a diagnosis. Errors are application/problem+json (RFC 9457).",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
}

# Where DICOM bytes live: never in the checkout.
STORAGE_ROOT = Path(env_text("STORAGE_ROOT"))
SERIES_QUIET_SECONDS = env_int("SERIES_QUIET_SECONDS", 30, least=1)
STOW_MAX_INSTANCE_BYTES = env_int("STOW_MAX_INSTANCE_BYTES", 512 * 1024 * 1024, least=1024)
JOB_LEASE_SECONDS = env_int("JOB_LEASE_SECONDS", 15, least=2)
JOB_MAX_ATTEMPTS = env_int("JOB_MAX_ATTEMPTS", 3, least=1)
ASSESS_DEBOUNCE_SECONDS = env_int("ASSESS_DEBOUNCE_SECONDS", 2)
MODEL_RELEASE = env_text("MODEL_RELEASE", "equations-1.1.0")
# "demonstration" prints the SYNTHETIC banner on every page and export.
ENVIRONMENT_LABEL = env_text("ENVIRONMENT_LABEL", "")

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "cdss.core.logging.RequestIdFilter"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "root": {"handlers": ["stderr"], "level": env_choice("LOG_LEVEL", "INFO", LOG_LEVELS)},
    "loggers": {"django.server": {"level": "WARNING"}},
}
HTTPS_ONLY = env_bool("HTTPS_ONLY", True)
