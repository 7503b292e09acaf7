#!/usr/bin/env python3
"""Makes the platform's topics on the broker that PULSAR_BROKER_URL and PULSAR_ADMIN_URL name, or on this machine's.

The work is that of `hexalpes topology apply`, whose arguments it takes; it may be repeated.
"""

import sys

from hexalpes import run

run("topology", "apply", *sys.argv[1:])
