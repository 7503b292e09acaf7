#!/bin/sh
# The way of a fact, complete: a row in the outbox (published 0), the relay (0 to 1), both topics, a consumer.
set -eu
. "$(dirname -- "$0")/scripts/product.sh"

complete() {
    echo "== many events, each once and in order"
    hexalpes demo cdc "$@"
    echo "== the newest rows of the outbox"
    hexalpes outbox list -n 5
    echo "== the relay"
    hexalpes relay status
    echo "== a consumer reads the first events of the topic"
    hexalpes consume outbox-events -s "test-cdc-$$" -n 3 -p earliest
}

with_product complete "$@"
