#!/usr/bin/env bash
# Prints each stock transaction as a line of JSON, and keeps the last cursor in a file: started again, it goes on from there.
# Usage: GATEWAY=http://127.0.0.1:4000 CLIENT_ID=… CLIENT_SECRET=… follow.sh cursor-file
set -euo pipefail

query='subscription ($after: String) { stockTransactionCreated(after: $after) { cursor node { productId version action quantity } } }'

while true; do
  token=$(curl -s "$GATEWAY/oauth/access_token" -d grant_type=client_credentials -d "client_id=$CLIENT_ID" \
    --data-urlencode "client_secret=$CLIENT_SECRET" | sed 's/.*"access_token":"\([^"]*\)".*/\1/') || true
  after=$(cat "$1" 2>/dev/null || true)
  curl -sN "$GATEWAY/graphql" -H 'Accept: text/event-stream' -H "Authorization: Bearer $token" \
    -H 'Content-Type: application/json' \
    -d "{\"query\":\"$query\",\"variables\":{\"after\":${after:-null}}}" |
    while IFS= read -r line; do
      case $line in
        'data: {"data":{'*)
          echo "${line#data: }"
          sed 's/.*"cursor":\("[^"]*"\).*/\1/' <<<"$line" >"$1.new" && mv "$1.new" "$1"
          ;;
        data:*errors*) echo "${line#data: }" >&2 ;;
      esac
    done || true
  sleep 1
done
