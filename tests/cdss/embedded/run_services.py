"""Run the services of one data folder until stdin closes; tests kill this program.

With --user, root becomes that user first. All imports come before that, because the interpreter may lie in a folder
that the user cannot enter.
"""

import argparse
import encodings.idna  # noqa: F401  psycopg needs it later
import json
import os
import pwd
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import psycopg

from cdss.embedded.errors import EmbeddedError
from cdss.embedded.supervisor import EmbeddedServices


def say(**answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests started in a shell's background ignore it
    parser = argparse.ArgumentParser()
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--user")
    arguments = parser.parse_args()
    if arguments.user:
        entry = pwd.getpwnam(arguments.user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    with EmbeddedServices() as services:
        try:
            urls = services.start(arguments.data_dir)
        except EmbeddedError as error:
            say(reason_code=error.reason_code, sentence=error.sentence)
            return 1
        with psycopg.connect(urls.database_owner_url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (note text)")
        say(
            uid=os.geteuid(),
            database_url=urls.database_url,
            cache_url=urls.cache_url,
            pids={child.name: child.pid for child in services._children},
        )
        sys.stdin.read()
    say(stopped=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
