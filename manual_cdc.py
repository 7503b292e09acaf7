#!/usr/bin/env python3
"""Publishes the rows that are pending in the outbox (published 0 to 1), and says how many. As `hexalpes relay once`."""

import sys

from scripts.hexalpes import run

run("relay", "once", *sys.argv[1:])
