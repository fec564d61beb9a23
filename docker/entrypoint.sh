#!/bin/sh
# One image, several commands. Each replaces this shell, so that signals reach the program itself.
set -eu
cd "${CDSS_HOME:-/app}"
python="${PYTHON:-python}"
sweeper_alive="${TMPDIR:-/tmp}/cdss-sweeper-alive"

usage() {
  cat >&2 <<'TEXT'
commands: web        the pages, the REST interface and DICOMweb on WEB_PORT
          dicomweb   the same application, in a process of its own for large uploads
          worker Q   the jobs of queue Q (imaging or assess)
          sweeper    finds due, lost and abandoned work, and series that have gone quiet
          bootstrap  makes the database and its roles (ADMIN_DATABASE_URL, APP_PASSWORD, MIGRATOR_PASSWORD)
          migrate    brings the schema up to date; DATABASE_URL is the migrator's
          manage X   any management command
          ready      exit 0 when the web process here answers /readyz
          ping Q     exit 0 when this container's worker of queue Q answers
          swept      exit 0 when this container's sweeper finished a round within the last minute
TEXT
}

refuse() {
  echo "$1" >&2
  usage
  exit 64 # EX_USAGE
}

serve() {
  exec "$python" -m granian --interface wsgi --host 0.0.0.0 --port "${WEB_PORT:-8000}" \
    --workers "${WEB_WORKERS:-2}" --blocking-threads "${WEB_THREADS:-4}" --no-ws --log-level warning \
    cdss.wsgi:application
}

queue() {
  case "${1:-}" in
    imaging | assess) ;;
    *) refuse "A worker needs a queue: imaging or assess, not '${1:-}'." ;;
  esac
}

command="${1:-}"
[ $# -eq 0 ] || shift
case "$command" in
  web | dicomweb) serve ;;
  worker)
    queue "${1:-}"
    exec "$python" -m celery -A cdss.celery worker --loglevel warning --pool prefork --without-gossip \
      --without-mingle -Q "$1" -c "${WORKER_CONCURRENCY:-1}" -n "$1@%h"
    ;;
  sweeper) exec "$python" manage.py run_sweeper --alive-file "$sweeper_alive" ;;
  swept) test -n "$(find "$sweeper_alive" -mmin -1 2>/dev/null)" ;;
  bootstrap) exec "$python" manage.py bootstrap_database "$@" ;;
  migrate) exec "$python" manage.py migrate --no-input "$@" ;;
  manage) exec "$python" manage.py "$@" ;;
  ready)
    exec "$python" -c "import sys, urllib.request as u
sys.exit(u.urlopen('http://127.0.0.1:${WEB_PORT:-8000}/readyz', timeout=5).status != 200)"
    ;;
  ping)
    queue "${1:-}"
    exec "$python" -m celery -A cdss.celery inspect ping --timeout 10 -d "$1@$(hostname)"
    ;;
  '') refuse "No command was given." ;;
  *) refuse "'$command' is not a command of this image." ;;
esac
