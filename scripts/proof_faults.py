#!/usr/bin/env python3
"""Writes the tables of docs/src/proof.md about faults and planted bugs, from the last runs of
`make torture` and `make planted`. A run that did not happen leaves its table as it was."""

import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/src/proof.md"


def torture(run):
    lines = [
        f"Profile `{run['profile']}`, seed {run['seed']}, {run['seconds']} s.",
        "",
        "| Fault | Runs | Violations | How the runs ended |",
        "| --- | ---: | ---: | --- |",
    ]
    for row in run["rows"]:
        ended = ", ".join(f"{count} {how}" for how, count in row["ended"].items())
        lines.append(f"| {row['fault']} | {row['runs']} | {len(row['violations'])} | {ended} |")
    runs = sum(row["runs"] for row in run["rows"])
    violations = sum(len(row["violations"]) for row in run["rows"])
    lines.append(f"| **all** | **{runs}** | **{violations}** | |")
    return lines


def planted(run):
    lines = [
        f"{len(run['planted'])} planted, {run['missed']} not noticed.",
        "",
        "| Bug | Noticed by |",
        "| --- | --- |",
    ]
    for row in run["planted"]:
        by = f"`{row['caught_by']}`" if row["caught_by"] else "**nothing**"
        lines.append(f"| {row['bug']} | {by} |")
    return lines


def main():
    page = PAGE.read_text()
    for name, table in [("torture", torture), ("planted", planted)]:
        last = ROOT / "target" / name / "last.json"
        if not last.exists():
            print(f"{name}: no run yet, its table stays (make {name})")
            continue
        begin, end = f"<!-- begin: last run of `make {name}` -->", f"<!-- end: {name} -->"
        before, rest = page.split(begin)
        _, after = rest.split(end)
        lines = "\n".join(table(json.loads(last.read_text())))
        page = f"{before}{begin}\n\n{lines}\n\n{end}{after}"
        print(f"{name}: written")
    PAGE.write_text(page)


main()
