#!/usr/bin/env bash
# Writes every kind of page that the tools write into a folder, from generated months.
set -euo pipefail
tools=$1
pages=$2
repository=$(cd "$(dirname "$0")/../.." && pwd)
export PATH="$tools:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$pages"
pages=$(cd "$pages" && pwd)
rm -f "$pages"/*.html
policy=$repository/policies/examples/card-simulated.toml
months=(--days 60 --customers 200 --merchants 100 --seed 1)

cd "$work"
fraudctl generate "${months[@]}" --transactions tx.ndjson --profiles profiles.json --labels labels.ndjson
past=(tx.ndjson --profiles profiles.json --labels labels.ndjson)
fraudctl backtest "${past[@]}" --policy "$policy" --report "$pages/backtest.html" > /dev/null
fraudctl policy fit "${past[@]}" --factors "$policy" --out fitted.toml
fraudctl backtest "${past[@]}" --policy fitted.toml --against "$policy" --alerts-per-day 8 --report "$pages/against.html" > /dev/null
fraudctl policy diff builtin:default "$policy" "${past[@]}" --report "$pages/diff.html" > /dev/null
# Without a fraud, and without a label.
fraudctl backtest tx.ndjson --policy builtin:default --report "$pages/unlabelled.html" > /dev/null

fraud-local "${months[@]}" --label-delay 7d --without-analytics --policy "$policy" --shadow builtin:default > /dev/null
fraudctl report out/scored --labels labels.ndjson --policies "$policy" --out "$pages/decided.html" > /dev/null
alert=$(head -1 out/alerts.ndjson | sed 's/.*"alert_id":"\([^"]*\)".*/\1/')
fraudctl alerts show "$alert" --messages out/alerts.ndjson --scored out/scored --policies "$policy" --html "$pages/alert.html"
