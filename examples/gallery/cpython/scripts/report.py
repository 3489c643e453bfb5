"""Reads a table, its argument and its standard input; writes a file; ends with an exit code."""

import csv
import json
import sys
from pathlib import Path

item = sys.argv[1]
with Path("/data/orders.csv").open() as table:
    prices = [float(row["price"]) for row in csv.DictReader(table) if row["item"] == item]

period = sys.stdin.readline().strip()
Path("/data/report.json").write_text(json.dumps({"item": item, "sum": sum(prices)}))
print(f"{len(prices)} times {item} in {period}, on {sys.platform}")
sys.exit(3)
