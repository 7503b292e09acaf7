#!/bin/sh
# All of it: the product, its topics, test data, end-to-end cases, events, measurements, the proof that
# nothing is missing, and the three reports.
set -eu
. "$(dirname -- "$0")/product.sh"

ecosystem() {
    echo "== topics"
    hexalpes topology apply
    echo "== test data"
    hexalpes demo data
    echo "== end to end"
    hexalpes demo e2e
    echo "== events, from the outbox to the topics"
    hexalpes demo cdc
    echo "== performance"
    hexalpes demo performance
    echo "== reconciliation: nothing is missing between the contexts"
    hexalpes reconcile
    echo "reports: test_data_ids.json, e2e_test_report.json, performance_report.json"
}

with_product ecosystem
