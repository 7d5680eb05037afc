"""Builds the documentation of the public library, and fails for every public symbol without a comment: docs.py ROOT

Reads the modules that `swift build` has left in .build/debug; writes .build/docs/Headway.doccarchive.
"""
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.abspath(sys.argv[1])
OUT = f"{ROOT}/.build/docs"
MODULE = "Headway"


def run(words):
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=280)
    said = (done.stdout + done.stderr).strip()
    if done.returncode != 0 or "warning:" in said:
        raise SystemExit(f"{' '.join(words[:2])}:\n{said}")
    return said


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(f"{OUT}/symbols")
    target = json.loads(run(["swift", "-print-target-info"]))["target"]["triple"]
    maps = [f"Sources/{name}/module.modulemap" for name in ("CHiredis", "CLibevent", "CCurl", "CGlibc")]
    run([
        "swift", "symbolgraph-extract", "-module-name", MODULE, "-I", ".build/debug/Modules", "-target", target,
        "-minimum-access-level", "public", "-output-dir", f"{OUT}/symbols",
        *[word for path in maps for word in ("-Xcc", f"-fmodule-map-file={path}")]])
    with open(f"{OUT}/symbols/{MODULE}.symbols.json", encoding="utf-8") as file:
        symbols = json.load(file)["symbols"]
    # Those without a place in the sources are made by the compiler.
    own = [symbol for symbol in symbols if "location" in symbol]
    bare = [symbol for symbol in own if not symbol.get("docComment")]
    for symbol in bare:
        place = symbol["location"]
        path = place["uri"].rsplit("/Sources/", 1)[-1]
        print(f"Sources/{path}:{place['position']['line'] + 1}: {'.'.join(symbol['pathComponents'])} has no comment")
    if bare:
        raise SystemExit(f"{len(bare)} of {len(own)} public symbols have no comment")
    run([
        "docc", "convert", f"Sources/{MODULE}/{MODULE}.docc", "--additional-symbol-graph-dir", f"{OUT}/symbols",
        "--output-dir", f"{OUT}/{MODULE}.doccarchive", "--fallback-display-name", MODULE,
        "--fallback-bundle-identifier", MODULE, "--warnings-as-errors"])
    pages = sum(len(files) for _, _, files in os.walk(f"{OUT}/{MODULE}.doccarchive/data/documentation"))
    print(f"{len(own)} public symbols, each with a comment; {pages} pages without a warning: "
          f".build/docs/{MODULE}.doccarchive")


main()
