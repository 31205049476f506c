#!/usr/bin/env bash
# A tour of the server with curl: sign in, search, annotate, atlas, merge, pull request, review, export.
#   python -m emqs.serve demo=true open=false | tee serve.log      in another window
#   docs/server-tour.sh serve.log
# Needs curl and python. Each step stops the tour if the server refuses it.
set -euo pipefail

log=$1
url=$(grep -o 'http://[0-9.:]*' "$log" | head -n 1)
link=$(grep -o 'one-time=.*' "$log" | head -n 1 | cut -d= -f2)
api=$url/api/v1
toy=$api/datasets/toy
jar=$(mktemp)
trap 'rm -f "$jar"' EXIT

say() { printf '\n== %s\n' "$*"; }
# get FIELD: prints a field of the JSON on standard input, e.g. get matches 0 score
get() { python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[int(name) if isinstance(value, list) else name]
print(value if isinstance(value, str) else json.dumps(value))' "$@"; }
# root METHOD URL [JSON]: as the admin who has signed in; ann METHOD URL [JSON]: with ann's token
root() { curl -sSf -b "$jar" -X "$1" "$2" -H 'Content-Type: application/json' -d "${3:-}"; }
ann() { curl -sSf -H "Authorization: Bearer $token" -X "$1" "$2" -H 'Content-Type: application/json' \
    ${4:+-H "If-Match: \"$4\""} -d "${3:-}"; }

say "the admin signs in with the link, and makes an account for Ann"
curl -sSf -c "$jar" "$api/auth/one-time" -H 'Content-Type: application/json' \
    -d "{\"token\": \"$link\", \"password\": \"correct horse battery\"}" | get name
once=$(root POST "$api/users" '{"name": "ann"}' | get one_time)
root PUT "$toy/grants" '{"user": "ann", "role": "annotator"}'

say "Ann signs in and makes a token for her scripts"
anns=$(mktemp)
curl -sSf -c "$anns" "$api/auth/one-time" -H 'Content-Type: application/json' \
    -d "{\"token\": \"$once\"}" | get name
token=$(curl -sSf -b "$anns" "$api/auth/tokens" -H 'Content-Type: application/json' \
    -d '{"name": "tour"}' | get token)
rm -f "$anns"

say "she searches for places like one that she points at, and keeps the search"
question='{"positives": [{"z": 5, "y": 200, "x": 200}], "k": 5}'
ann POST "$toy/search" "$question" | get matches 0
ann POST "$toy/searches" "{\"title\": \"like this\", \"question\": $question}" | get fingerprint

say "she annotates a place and submits it to the atlas"
note=$(ann POST "$toy/annotations" '{"kind": "point", "points": [[5.5, 200.5, 200.5]],
    "title": "a synapse", "description": "with a clear density", "tags": ["psd"]}')
number=$(get id <<<"$note")
entry=$(ann POST "$toy/atlas" "{\"annotation\": \"$number\", \"revision\": 1}" | get id)

say "the admin accepts it; now everybody sees it"
root POST "$toy/atlas/$entry/review" '{"step": "accepted", "revision": 1}' | get state
ann GET "$api/atlas?text=synapse" | get entries 0 title

say "she puts two segments together and asks for that to be taken over"
version=$(ann GET "$toy/merges/labels" | get version)
ann POST "$toy/merges/labels" \
    "{\"segments\": [\"1\", \"2\"], \"base_version\": \"$version\"}" | get equivalences
pull=$(ann POST "$toy/pulls" '{"layer": "labels", "title": "one cell"}' | get id)

say "the admin accepts and publishes it: the layer has a new version"
root POST "$toy/pulls/$pull/review" '{"step": "accepted", "revision": 1}' | get state
root POST "$toy/equivalences/labels/publish" | get version

say "Ann exports her annotations"
ann GET "$toy/annotations/export?format=csv"

say "what was done"
root GET "$api/audit?limit=5" | get entries 0 action
