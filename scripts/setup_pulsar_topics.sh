#!/bin/sh
# Makes the platform's tenants, namespaces and topics; it may be repeated. As `hexalpes topology apply`.
set -eu
. "$(dirname -- "$0")/product.sh"

topics() {
    hexalpes topology apply "$@"
    hexalpes topics list
}

with_product topics "$@"
