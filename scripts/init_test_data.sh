#!/bin/sh
# Makes a program, affiliates, a link and conversions, and writes test_data_ids.json. As `hexalpes demo data`.
set -eu
. "$(dirname -- "$0")/product.sh"

with_product hexalpes demo data "$@"
