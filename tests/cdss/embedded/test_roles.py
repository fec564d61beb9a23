"""Who may do what in the database, on the real server."""

import subprocess
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from cdss.embedded import supervisor
from cdss.embedded.binaries import postgres_bin_locate
from cdss.embedded.errors import EmbeddedError
from cdss.embedded.roles import bootstrap, bootstrap_sql
from cdss.embedded.supervisor import EmbeddedServices

pytestmark = pytest.mark.slow


@pytest.fixture
def table(urls) -> str:
    name = f"patient_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(urls.database_owner_url) as owner:
        owner.execute(f"CREATE TABLE {name} (id bigint GENERATED ALWAYS AS IDENTITY, mrn text)")
    return name


@pytest.fixture
def database(urls) -> Iterator[str]:
    name = f"other_{uuid.uuid4().hex[:8]}"
    yield name
    with psycopg.connect(urls.database_admin_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name}")


def dumped(urls, *arguments: str) -> str:
    program = postgres_bin_locate() / arguments[0]
    done = subprocess.run([program, *arguments[1:]], capture_output=True, text=True, check=True)
    # pg_dump protects its script with a random key per run.
    return "\n".join(line for line in done.stdout.splitlines() if "restrict" not in line)


def state(urls) -> tuple[str, str]:
    # The passwords' verifiers are part of the first dump.
    return (
        dumped(urls, "pg_dumpall", "--globals-only", f"--dbname={urls.database_admin_url}"),
        dumped(urls, "pg_dump", "--schema-only", "--create", f"--dbname={urls.database_admin_url}"),
    )


def passwords(urls) -> dict[str, str]:
    return {
        "app_password": urlsplit(urls.database_url).password,
        "migrator_password": urlsplit(urls.database_owner_url).password,
    }


def test_migrator_becomes_the_owner_and_tables_belong_to_it(urls, table):
    with psycopg.connect(urls.database_owner_url) as owner:
        assert owner.execute("SELECT current_user, session_user").fetchone() == ("cdss_owner", "cdss_migrator")
        assert owner.execute("SELECT tableowner FROM pg_tables WHERE tablename = %s", [table]).fetchone() == (
            "cdss_owner",
        )


def test_application_reads_and_writes_rows_of_new_tables(urls, table):
    with psycopg.connect(urls.database_url) as app:
        app.execute(f"INSERT INTO {table} (mrn) VALUES ('1')")
        app.execute(f"UPDATE {table} SET mrn = '2'")
        assert app.execute(f"SELECT mrn FROM {table}").fetchall() == [("2",)]
        app.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE EXTENSION hstore",
        "TRUNCATE {table}",
        "ALTER TABLE {table} ADD COLUMN more text",
        "ALTER TABLE {table} DISABLE TRIGGER ALL",
        "DROP TABLE {table}",
        "SET ROLE cdss_owner",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "COPY (SELECT 1) TO '/tmp/mine'",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_application_may_not_change_anything_but_rows(urls, table, statement):
    with psycopg.connect(urls.database_url, autocommit=True) as app, pytest.raises(errors.InsufficientPrivilege):
        app.execute(statement.format(table=table))


def test_revoked_rights_on_one_table_stay_revoked_after_another_bootstrap(urls, table):
    with psycopg.connect(urls.database_owner_url) as owner:
        owner.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM cdss_app")
    bootstrap(urls.database_admin_url, **passwords(urls))
    with psycopg.connect(urls.database_url, autocommit=True) as app:
        app.execute(f"INSERT INTO {table} (mrn) VALUES ('1')")
        for statement in (f"UPDATE {table} SET mrn = '2'", f"DELETE FROM {table}"):
            with pytest.raises(errors.InsufficientPrivilege):
                app.execute(statement)


def test_function_of_the_owner_must_be_granted_by_name(urls):
    name = f"f_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(urls.database_owner_url) as owner:
        owner.execute(f"CREATE FUNCTION {name}() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'")
    with psycopg.connect(urls.database_url, autocommit=True) as app:
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(f"SELECT {name}()")
        with psycopg.connect(urls.database_owner_url) as owner:
            owner.execute(f"GRANT EXECUTE ON FUNCTION {name} TO cdss_app")
        assert app.execute(f"SELECT {name}()").fetchone() == (1,)


def test_migrator_without_the_owner_role_has_no_rights(urls, table):
    plain = make_conninfo(urls.database_owner_url, options="")
    with psycopg.connect(plain, autocommit=True) as migrator, pytest.raises(errors.InsufficientPrivilege):
        migrator.execute(f"SELECT * FROM {table}")


def test_vector_extension_is_there(urls):
    with psycopg.connect(urls.database_url) as app:
        assert app.execute("SELECT '[1,2]'::vector <-> '[1,4]'::vector").fetchone() == (2.0,)


def test_second_bootstrap_changes_nothing_not_even_a_password_verifier(urls):
    before = state(urls)
    assert "SCRAM-SHA-256$" in before[0]
    assert "cdss_app" in before[1]
    bootstrap(urls.database_admin_url, **passwords(urls))
    assert state(urls) == before


def test_another_database_gets_the_same_rights_and_keeps_the_passwords(urls, database):
    bootstrap(urls.database_admin_url, database=database)
    with psycopg.connect(make_conninfo(urls.database_owner_url, dbname=database)) as owner:
        owner.execute("CREATE TABLE kept (note text)")
    with psycopg.connect(make_conninfo(urls.database_url, dbname=database)) as app:
        app.execute("INSERT INTO kept VALUES ('row')")
    with (
        psycopg.connect(make_conninfo(urls.database_url, dbname=database), autocommit=True) as app,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        app.execute("CREATE TABLE mine (id int)")


def test_new_password_replaces_the_old_one(urls):
    old = urlsplit(urls.database_url).password
    try:
        bootstrap(urls.database_admin_url, app_password="päss:wörd/1")
        psycopg.connect(make_conninfo(urls.database_url, password="päss:wörd/1")).close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(urls.database_url)
    finally:
        bootstrap(urls.database_admin_url, app_password=old)
    psycopg.connect(urls.database_url).close()


def test_printed_script_does_the_same_through_psql_twice(urls, database):
    script = bootstrap_sql(database=database)
    assert not any(password in script for password in passwords(urls).values())
    for _ in range(2):
        subprocess.run(
            [postgres_bin_locate() / "psql", "--no-psqlrc", "--quiet", urls.database_admin_url],
            input=script,
            text=True,
            check=True,
            capture_output=True,
        )
    by_script = dumped(
        urls, "pg_dump", "--schema-only", f"--dbname={make_conninfo(urls.database_admin_url, dbname=database)}"
    )
    by_function = dumped(urls, "pg_dump", "--schema-only", f"--dbname={urls.database_admin_url}")
    assert "CREATE EXTENSION IF NOT EXISTS vector" in by_script
    assert [line for line in by_script.splitlines() if "DEFAULT PRIVILEGES" in line] == [
        line for line in by_function.splitlines() if "DEFAULT PRIVILEGES" in line
    ]


def test_managed_servers_administrator_without_superuser_can_bootstrap(data_dir, monkeypatch):
    """A server on which nothing has been prepared, and an administrator who may make roles and databases, no more."""
    monkeypatch.setattr(supervisor, "bootstrap", lambda *arguments, **passwords: None)
    with EmbeddedServices() as services:
        urls = services.start(data_dir, durable=False)
        superuser = make_conninfo(urls.database_admin_url, dbname="postgres")
        with psycopg.connect(superuser) as admin:
            admin.execute("CREATE ROLE managed LOGIN CREATEROLE CREATEDB PASSWORD 'managed'")
        managed = make_conninfo(superuser, user="managed", password="managed")
        for _ in range(2):
            bootstrap(managed, **passwords(urls))
        with psycopg.connect(urls.database_owner_url) as owner:
            owner.execute("CREATE TABLE kept (note text)")
        with psycopg.connect(urls.database_url) as app:
            app.execute("INSERT INTO kept VALUES ('row')")
            owner_of_public = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'"
            assert app.execute(owner_of_public).fetchone() == ("cdss_owner",)
            has_vector = "SELECT count(*) FROM pg_extension WHERE extname = 'vector'"
            assert app.execute(has_vector).fetchone() == (0,)
            bootstrap(superuser)
            assert app.execute(has_vector).fetchone() == (1,)
        with psycopg.connect(urls.database_url) as app, pytest.raises(errors.InsufficientPrivilege):
            app.execute("CREATE TABLE mine (id int)")


@pytest.mark.parametrize(
    ("give", "take", "sentence"),
    [
        ("ALTER ROLE cdss_app SUPERUSER", "ALTER ROLE cdss_app NOSUPERUSER", "administrator's attribute"),
        ("ALTER ROLE cdss_app BYPASSRLS", "ALTER ROLE cdss_app NOBYPASSRLS", "administrator's attribute"),
        ("GRANT cdss_owner TO cdss_app", "REVOKE cdss_owner FROM cdss_app", "could alter the schema"),
    ],
)
def test_application_role_with_too_many_rights_is_refused(urls, give, take, sentence):
    with psycopg.connect(urls.database_admin_url, autocommit=True) as admin:
        admin.execute(give)
        try:
            with pytest.raises(errors.RaiseException, match=sentence):
                bootstrap(urls.database_admin_url)
        finally:
            admin.execute(take)


@pytest.mark.parametrize("name", ["", "Cdss", "1cdss", "a-b", 'x"; DROP DATABASE cdss; --', "a" * 64, "cdss\n"])
def test_database_name_that_is_none_is_refused(name):
    with pytest.raises(EmbeddedError) as refused:
        bootstrap_sql(database=name)
    assert refused.value.reason_code == "DATABASE_NAME_INVALID"
