#!/usr/bin/env bash
# Drives every operation of openapi.json with Schemathesis (https://schemathesis.io): no answer may be
# a 5xx, or contradict the schema. It takes about 40 s, and 25 more the first time.
#
# It needs Go, Python 3 with venv, and PyPI for the first run; without them it says so and passes.
# SECONDS_TO_RUN bounds the run itself, SEED repeats one. What is accepted or refused is not compared with the
# schemas: they cannot say which cursors exist, and an empty parameter counts as absent.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=4.32.5
venv=${XDG_CACHE_HOME:-$HOME/.cache}/chorus/schemathesis-$version
if [ ! -x "$venv/bin/schemathesis" ]; then
	mkdir -p "$(dirname "$venv")"
	if ! { python3 -m venv "$venv" && timeout 300 "$venv/bin/pip" -q install "schemathesis==$version"; } >/dev/null 2>&1; then
		rm -rf "$venv"
		echo "skipped: Schemathesis cannot be installed (it needs python3 with venv, and PyPI)"
		exit 0
	fi
fi

tmp=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill "$server" && wait "$server" || true; }; rm -rf "$tmp"' EXIT
go build -o "$tmp/chorus" ./cmd/chorus
"$tmp/chorus" load --db "$tmp/x.db" testdata/demo.jsonl.gz 2>/dev/null
"$tmp/chorus" serve --db "$tmp/x.db" --listen 127.0.0.1:0 2>"$tmp/log" &
server=$!
for _ in $(seq 600); do
	url=$(sed -n 's/.* at \(http[^ ]*\)$/\1/p' "$tmp/log" | head -1)
	[ -z "$url" ] || break
	sleep .1
done

status=0
(cd "$tmp" && "$venv/bin/schemathesis" run "$url/openapi.json" --url "$url" --max-time "${SECONDS_TO_RUN:-30}" --seed "${SEED:-1}" \
	--request-timeout 60 --continue-on-failure --warnings off \
	--exclude-checks positive_data_acceptance,negative_data_rejection) || status=$?
if [ "$status" = 0 ] && grep -i 'level=error\|panic' "$tmp/log"; then
	echo "the server's log has errors"
	status=1
fi
kill -0 "$server" || { echo "the server has died"; status=1; }
exit "$status"
