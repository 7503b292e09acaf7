#!/bin/sh
# Tries the product from end to end and writes e2e_test_report.json; fails if a case fails. As `hexalpes demo e2e`.
set -eu
. "$(dirname -- "$0")/product.sh"

with_product hexalpes demo e2e "$@"
