# What the scripts have in common; they read it in with `.`.
#
# hexalpes …        runs the product's program: the one that HEXALPES names, else one that is built, else cargo's.
# with_product …    runs a command, on the product that runs on the ports that are set, or on one that is started for it
#                   and stopped after it.
# Ports and the data folder are the product's own settings: hexalpes.toml and the environment (`hexalpes config show`).

root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
[ -f "$root/Cargo.toml" ] || root=$(dirname -- "$root")

# Built ones come before one on the path, and that before a build, for a demonstration is not to begin with one.
found=
for built in "${HEXALPES:-}" "${CARGO_TARGET_DIR:-$root/target}/release/hexalpes" "$(command -v hexalpes || true)"; do
    if [ -z "$found" ] && [ -x "$built" ]; then
        found=$built
    fi
done

# A checkout that went on since is worth a word: commands may be newer than the program.
if [ -n "$found" ] && [ -d "$root/.git" ] &&
    [ -n "$(find "$root/apps" "$root/backbone" "$root/contexts" "$root/foundation" -name '*.rs' -newer "$found" -print -quit)" ]; then
    echo "$found is older than its source: cargo build --release" >&2
fi

hexalpes() {
    (become "$@")
}

# This shell becomes the program: whoever ends it ends the program.
become() {
    if [ -n "$found" ]; then
        exec "$found" "$@"
    else
        exec cargo run --quiet --release --manifest-path "$root/Cargo.toml" -- "$@"
    fi
}

product=

with_product() {
    if ! hexalpes demo ready > /dev/null 2>&1; then
        echo "nothing runs on these ports: starting the product (its words are in hexalpes.log)"
        become up > hexalpes.log 2>&1 &
        product=$!
        trap stop_product EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM
        await_product
    fi
    "$@"
}

# Until it is ready, or has ended.
await_product() {
    until hexalpes demo ready --wait 2 2> /dev/null; do
        if ! kill -0 "$product" 2> /dev/null; then
            echo "the product does not start:" >&2
            cat hexalpes.log >&2
            product=
            exit 1
        fi
    done
}

stop_product() {
    if [ -n "$product" ]; then
        kill "$product" 2> /dev/null || true
        wait "$product" 2> /dev/null || true
        echo "stopped the product that was started here"
    fi
}
