#!/usr/bin/env bash
# Runs the tests of a Space in the environment that its builder makes, on the Python that it has if there is one here,
# and with older clients. It needs some minutes, and 6 GB in the folder given (default: a new one), which can be reused.
set -euo pipefail
cd "$(dirname "$0")/.."

matter() { sed -n "s/^$1: *\"\{0,1\}\([0-9.]*\)\"\{0,1\}$/\1/p" README.md; }

folder="${1:-$(mktemp -d)}"
python="$(command -v "python$(matter python_version)" || command -v python)"
install() { "$1/bin/python" -m pip install --quiet --disable-pip-version-check "${@:2}"; }

[ -d "$folder/builder" ] || "$python" -m venv "$folder/builder"
install "$folder/builder" -r requirements.txt "gradio[oauth,mcp]==$(matter sdk_version)" "uvicorn>=0.14.0" "websockets>=10.4" spaces

mkdir -p "$folder/clients"
for version in 1.14.0 2.0.3 2.7.2; do
  client="$folder/clients/gradio_client-$version"
  [ -d "$client" ] || python -m venv "$client"
  install "$client" "gradio_client==$version"
done
for version in 1.19.1 2.0.4 2.7.0; do
  client="$folder/clients/gradio-client-js-$version"
  mkdir -p "$client"
  npm install --silent --no-fund --no-audit --prefix "$client" "@gradio/client@$version"
done

export MUDDLE_SPACE_PYTHON="$folder/builder/bin/python" MUDDLE_SPACE_CLIENTS="$folder/clients"
"$MUDDLE_SPACE_PYTHON" --version
OMP_NUM_THREADS=1 python -m pytest -v -s tests/train/hub/test_space.py
