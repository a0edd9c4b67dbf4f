#!/bin/sh
# Regenerates src/alula/_proto from proto/alula/v1. Code made by protoc 25 runs with protobuf 4.25 to 7.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "grpcio-tools==1.62.3" "setuptools<81"
cd "$root/proto"
"$work/venv/bin/python" -m grpc_tools.protoc -I. --python_out="$work" --pyi_out="$work" alula/v1/*.proto
for file in "$work"/alula/v1/*_pb2.py "$work"/alula/v1/*_pb2.pyi; do
  sed 's/^from alula\.v1 import/from . import/' "$file" > "$here/src/alula/_proto/$(basename "$file")"
done
: > "$here/src/alula/_proto/__init__.py"
