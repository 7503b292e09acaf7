"""Runs the product's program, for the scripts in Python.

HEXALPES names it; without that it is the one that is built, the one on the path, or else this checkout's.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def program():
    """The words that run it."""
    if named := os.environ.get("HEXALPES"):
        return [named]
    built = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release" / "hexalpes"
    if found := (str(built) if built.is_file() else shutil.which("hexalpes")):
        return [found]
    return ["cargo", "run", "--quiet", "--release", "--manifest-path", str(ROOT / "Cargo.toml"), "--"]


def run(*arguments):
    """Ends as the program does."""
    command = program()
    try:
        sys.exit(subprocess.run([*command, *arguments], check=False).returncode)
    except OSError as error:
        sys.exit(f"{command[0]} cannot be run: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
