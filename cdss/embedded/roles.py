"""The database roles: who owns the schema, who changes it, and who may only read and write rows.

`cdss_owner` cannot log in and owns the schema. `cdss_migrator` logs in, inherits nothing and becomes the owner by
`SET ROLE`; migrations run as it. `cdss_app` is the running application: it has the rights that are granted to it, and
append-only tables take UPDATE, DELETE and TRUNCATE away again. Works on PostgreSQL 15 and newer, with a superuser or
with a managed server's administrator who may create roles and databases.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cdss.embedded.errors import EmbeddedError

OWNER_ROLE = "cdss_owner"
MIGRATOR_ROLE = "cdss_migrator"
APP_ROLE = "cdss_app"
DATABASE = "cdss"

_SERVER_SQL = """\
DO $roles$
DECLARE
  is_superuser boolean := (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
BEGIN
  -- Two bootstraps at once would both find a role missing.
  PERFORM pg_advisory_xact_lock(hashtext('cdss bootstrap'));
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cdss_owner') THEN
    CREATE ROLE cdss_owner NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cdss_migrator') THEN
    CREATE ROLE cdss_migrator LOGIN NOINHERIT;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cdss_app') THEN
    CREATE ROLE cdss_app LOGIN;
  END IF;
  IF NOT pg_has_role('cdss_migrator', 'cdss_owner', 'MEMBER') THEN
    GRANT cdss_owner TO cdss_migrator;
  END IF;
  -- An administrator who is no superuser must be a member of the owner to give it a database.
  IF NOT is_superuser AND NOT pg_has_role(current_user, 'cdss_owner', 'USAGE') THEN
    IF current_setting('server_version_num')::int >= 160000 THEN
      EXECUTE 'GRANT cdss_owner TO CURRENT_USER WITH INHERIT TRUE, SET TRUE';
    ELSE
      GRANT cdss_owner TO CURRENT_USER;
    END IF;
  END IF;
  -- Roles that were there before may have been given more than they should have.
  IF EXISTS (SELECT FROM pg_roles WHERE rolname IN ('cdss_owner', 'cdss_migrator', 'cdss_app')
             AND (rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls)) THEN
    RAISE EXCEPTION 'A role among cdss_owner, cdss_migrator, cdss_app has an administrator''s attribute; remove it.';
  END IF;
  IF pg_has_role('cdss_app', 'cdss_owner', 'MEMBER') THEN
    RAISE EXCEPTION 'Role cdss_app is a member of cdss_owner and could alter the schema; revoke the membership.';
  END IF;
END
$roles$;
"""

_DATABASE_SQL = """\
REVOKE ALL ON DATABASE <database> FROM PUBLIC;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE <database> TO cdss_owner;
GRANT CONNECT ON DATABASE <database> TO cdss_migrator, cdss_app;
DO $schema$
BEGIN
  -- Not a trusted extension: only an administrator can create it, never a migration.
  IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')
     AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN
    BEGIN
      CREATE EXTENSION vector;
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE WARNING 'The extension vector exists on this server, but % may not create it.', current_user;
    END;
  END IF;
  IF (SELECT nspowner FROM pg_namespace WHERE nspname = 'public') <> 'cdss_owner'::regrole THEN
    ALTER SCHEMA public OWNER TO cdss_owner;
  END IF;
END
$schema$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO cdss_app;
ALTER DEFAULT PRIVILEGES FOR ROLE cdss_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO cdss_app;
ALTER DEFAULT PRIVILEGES FOR ROLE cdss_owner GRANT USAGE, SELECT ON SEQUENCES TO cdss_app;
-- A function that runs with its owner's rights must be granted by name, not by default.
ALTER DEFAULT PRIVILEGES FOR ROLE cdss_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
"""

_PSQL_SQL = """\
-- Run with psql as an administrator of the server; running it again changes nothing.
\\set ON_ERROR_STOP on
<server>
SELECT 'CREATE DATABASE <database> OWNER cdss_owner TEMPLATE template0 ENCODING ''UTF8'''
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '<database>') \\gexec
\\connect <database>
<grants>
-- Now give the two roles that log in their passwords; psql asks for them and sends only a verifier:
--   \\password cdss_migrator
--   \\password cdss_app
"""


def bootstrap_sql(*, database: str = DATABASE) -> str:
    """What `bootstrap` does, as a psql script for an administrator who runs it by hand; it holds no password."""
    script = _PSQL_SQL.replace("<server>", _SERVER_SQL).replace("<grants>", _DATABASE_SQL)
    return script.replace("<database>", _checked(database))


def bootstrap(
    admin_conninfo: str,
    *,
    app_password: str | None = None,
    migrator_password: str | None = None,
    database: str = DATABASE,
) -> None:
    """Make the roles, the database and its rights; what is there already stays as it is. None leaves a password."""
    name = sql.Identifier(_checked(database))
    with psycopg.connect(admin_conninfo, autocommit=True) as connection:
        connection.execute(_SERVER_SQL.encode())
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    name, sql.Identifier(OWNER_ROLE)
                )
            )
    with psycopg.connect(make_conninfo(admin_conninfo, dbname=database)) as connection:
        connection.execute(_DATABASE_SQL.replace("<database>", database).encode())
        _password_set(connection, APP_ROLE, app_password)
        _password_set(connection, MIGRATOR_ROLE, migrator_password)


def _checked(database: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", database):
        raise EmbeddedError(
            "DATABASE_NAME_INVALID",
            f"{database!r} is no database name: use a to z, 0 to 9 and _, at most 63, not beginning with a digit.",
        )
    return database


def _password_set(connection: psycopg.Connection, role: str, password: str | None) -> None:
    if password is None or _password_is(connection, role, password):
        return
    # Only a verifier is sent: the password itself could end in a server's log or statement statistics.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))


def _password_is(connection: psycopg.Connection, role: str, password: str) -> bool:
    """Whether the role has this password already; False also when a managed server does not let us see."""
    try:
        with connection.transaction():
            row = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [role]).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return False
    found = re.fullmatch(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):.+", (row[0] if row else None) or "")
    if found is None:
        return False
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(found[2]), int(found[1]))
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()  # RFC 5802, section 3
    return hmac.compare_digest(stored_key, base64.b64decode(found[3]))
