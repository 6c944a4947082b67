#!/usr/bin/env bash
# Installs what faults are made with, where it is missing: failover, the slow disk, the clock. And promtool, which holds the
# alerts to their tests, and wrk, which makes the benchmark's load. Debian, as root.
# Nothing is started: the packages' own services and PostgreSQL's first cluster stay away.
set -euo pipefail

declare -A packages=(
  [/usr/lib/postgresql/15/bin/postgres]=postgresql-15
  [/usr/bin/patroni]=patroni
  [/usr/bin/etcd]=etcd-server
  [/usr/sbin/haproxy]=haproxy
  [/usr/bin/cc]=gcc
  [/usr/include/dlfcn.h]=libc6-dev
  [/usr/bin/promtool]=prometheus
  [/usr/bin/wrk]=wrk
)
missing=()
for file in "${!packages[@]}"; do [ -e "$file" ] || missing+=("${packages[$file]}"); done
compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null || missing+=(libfaketime)
[ ${#missing[@]} -gt 0 ] || exit 0

echo "installing ${missing[*]}"
[ "$(id -u)" = 0 ] || { echo "as root: apt-get install ${missing[*]}" >&2; exit 1; }
apt-get update -q
if [[ " ${missing[*]} " == *" postgresql-15 "* ]]; then
  # Otherwise its installation makes a cluster on port 5432, and starts it.
  apt-get install -qy --no-install-recommends postgresql-common
  mkdir -p /etc/postgresql-common/createcluster.d
  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/inventory-gateway.conf
fi
# The packages' scripts ask this file whether they may start their services.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
