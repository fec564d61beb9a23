#!/bin/sh
# Makes every secret that compose.yml names, once; what is there stays. Usage: docker/make-secrets.sh HOST [FOLDER]
set -eu
host="${1:-}"
if [ -z "$host" ]; then
  echo "Name the host that clinicians will type: docker/make-secrets.sh cdss.hospital.example" >&2
  exit 64
fi
folder="${2:-$(dirname "$0")/secrets}"
umask 077
mkdir -p "$folder"
chmod 0700 "$folder"
cd "$folder"

random() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }

# 0444 inside a 0700 folder: the containers' users read the mounted file, nobody else on the host reaches it.
keep() { [ -s "$1" ] || { cat >"$1.new" && chmod 0444 "$1.new" && mv "$1.new" "$1"; }; }

for name in postgres_password app_password migrator_password secret_key; do random | keep "$name"; done
[ -s valkey_conf ] || { printf 'requirepass %s\n' "$(random)" | keep valkey_conf; }
valkey="$(sed -n 's/^requirepass //p' valkey_conf)"
printf 'postgresql://postgres:%s@postgres:5432/postgres' "$(cat postgres_password)" | keep admin_database_url
printf 'postgresql://cdss_app:%s@postgres:5432/cdss' "$(cat app_password)" | keep database_url
printf 'postgresql://cdss_migrator:%s@postgres:5432/cdss?options=-c%%20role%%3Dcdss_owner' \
  "$(cat migrator_password)" | keep database_owner_url
printf 'redis://:%s@valkey:6379/0' "$valkey" | keep broker_url
# A database of its own: clearing the cache must not clear the queue.
printf 'redis://:%s@valkey:6379/1' "$valkey" | keep cache_url

if [ ! -s tls_key ] || [ ! -s tls_certificate ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$host" \
    -addext "subjectAltName=DNS:$host" -keyout tls_key.new -out tls_certificate.new 2>/dev/null
  chmod 0444 tls_key.new tls_certificate.new
  mv tls_key.new tls_key
  mv tls_certificate.new tls_certificate
  echo "A self-signed certificate for 30 days was made; put the hospital's own in $folder/tls_certificate and tls_key."
fi
echo "Secrets are in $folder. Keep a copy where the backups are not."
