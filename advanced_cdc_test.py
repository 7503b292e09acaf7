#!/usr/bin/env python3
"""Follows many events from the outbox to both topics: each once, in order. As `hexalpes demo cdc`: -n says how many."""

import sys

from scripts.hexalpes import run

run("demo", "cdc", *sys.argv[1:])
