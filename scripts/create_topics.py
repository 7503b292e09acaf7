#!/usr/bin/env python3
"""Makes the platform's topics on the broker that PULSAR_BROKER_URL and PULSAR_ADMIN_URL name, or on this machine's.

The work is that of `hexalpes topology apply`, whose arguments it takes; it may be repeated. HEXALPES names the program;
without it, it is the one on the path, or else this checkout's.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

program = os.environ.get("HEXALPES") or shutil.which("hexalpes")
manifest = Path(__file__).resolve().parent.parent / "Cargo.toml"
command = [program] if program else ["cargo", "run", "--quiet", "--release", "--manifest-path", str(manifest), "--"]
try:
    sys.exit(subprocess.run([*command, "topology", "apply", *sys.argv[1:]], check=False).returncode)
except OSError as error:
    sys.exit(f"{command[0]} cannot be run: {error}")
