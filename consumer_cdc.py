#!/usr/bin/env python3
"""Reads the events of the topic outbox-events until Ctrl-C. As `hexalpes consume`, whose arguments it takes: -n 5 ends
after five, -o jsonl shows keys and properties too."""

import sys

from scripts.hexalpes import run

run("consume", "outbox-events", "-s", "consumer-cdc", *(sys.argv[1:] or ["-n", "0", "-p", "earliest"]))
