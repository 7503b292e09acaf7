#!/bin/sh
# Watches the product that runs: `dashboard` shows topics, relays, handlers and dead letters again and again, `log` each
# event as it comes; Ctrl-C ends either. As `hexalpes monitor`.
set -eu
. "$(dirname -- "$0")/product.sh"

case "${1:-}" in
    dashboard | log) ;;
    *)
        echo "usage: $0 dashboard | log" >&2
        exit 2
        ;;
esac
with_product hexalpes monitor "$@"
