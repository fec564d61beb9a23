from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import redis
from kombu.utils.url import url_to_parts
from psycopg.conninfo import conninfo_to_dict

from cdss.embedded.urls import service_urls_build

URLS = service_urls_build(
    socket_dir=Path("/srv/a b/run"),
    port=5432,
    admin=("postgres", "a/dmin"),
    app_password="p@ss:w/ord?#%",
    migrator_password="migrator",
    valkey_socket=Path("/srv/a b/run/valkey.sock"),
    valkey_password="val/key@",
    database="cdss",
)


def test_libpq_reads_back_what_was_put_in():
    assert conninfo_to_dict(URLS.database_url) == {
        "user": "cdss_app",
        "password": "p@ss:w/ord?#%",
        "dbname": "cdss",
        "host": "/srv/a b/run",
        "port": "5432",
    }
    assert conninfo_to_dict(URLS.database_owner_url)["options"] == "-c role=cdss_owner"
    assert conninfo_to_dict(URLS.database_admin_url)["user"] == "postgres"


def test_urllib_reads_back_what_was_put_in():
    parts = urlsplit(URLS.database_owner_url)
    assert parts.path == "/cdss"
    assert parse_qs(parts.query) == {"host": ["/srv/a b/run"], "port": ["5432"], "options": ["-c role=cdss_owner"]}


def test_clients_of_valkey_read_back_what_was_put_in():
    with redis.Redis.from_url(URLS.cache_url) as client:
        arguments = client.connection_pool.connection_kwargs
    assert (arguments["path"], arguments["password"], arguments["db"]) == ("/srv/a b/run/valkey.sock", "val/key@", 1)
    broker = url_to_parts(URLS.broker_url)
    assert (broker.scheme, broker.password) == ("redis+socket", "val/key@")


def test_no_password_is_shown():
    assert repr(URLS) == "ServiceUrls()"
