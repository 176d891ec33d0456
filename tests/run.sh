#!/usr/bin/env bash
# Installs what the tests need into the active environment, a Chromium included, and runs them all.
set -euo pipefail
cd "$(dirname "$0")/.."

python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome || true; }

export MUDDLE_CHROMIUM="${MUDDLE_CHROMIUM:-$(find_chromium)}"
if [ -z "$MUDDLE_CHROMIUM" ]; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
    MUDDLE_CHROMIUM="$(find_chromium)"
  else
    python -m playwright install chromium # the tests let playwright find this one itself
  fi
fi

ruff check .
ruff format --check .
# Two processes with a core each; the tests of a file share what they start. No plugins but those that are named, whose
# code pytest would rewrite at every start, and compiled modules are kept.
unset PYTHONDONTWRITEBYTECODE
export OMP_NUM_THREADS=1 PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
python -m pytest -q -p xdist.plugin -n 2 --dist loadfile -p pytest_timeout --timeout 180 "$@"
