#!/usr/bin/env python3
"""Runs clang-tidy and clang's thread-safety analysis over files (names on standard input).

    scripts/run_tidy.py BUILD_DIR JOBS

Results of unchanged files are remembered in BUILD_DIR/tidy: a file is looked at again when its
preprocessed text, its flags or .clang-tidy changed. Prints the findings; exit status 1 if any.
"""

import concurrent.futures
import hashlib
import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Added to those of .clang-tidy: what clang itself warns of. Taken away: a declaration as a macro's
# argument (GODWIT_ASSIGN) cannot stand in parentheses.
EXTRA_CHECKS = "clang-diagnostic-*,-bugprone-macro-parentheses"


def compile_commands(build):
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        while words and not words[0].endswith(("clang++-14", "clang++", "g++", "c++")):
            words.pop(0)  # a compiler launcher
        commands[str(Path(entry["directory"], entry["file"]).resolve())] = words
    return commands


def fingerprint(words, config):
    """Of all that the result depends on; None when the file does not even preprocess."""
    flags, skip = [], False
    for word in words[1:]:
        if skip or word in ("-c", "-o"):
            skip = word == "-o" and not skip
            continue
        flags.append(word)
    text = subprocess.run([words[0], *flags, "-E", "-P"], capture_output=True, cwd=ROOT)
    if text.returncode != 0:
        return None
    return hashlib.sha256(config + " ".join(flags).encode() + text.stdout).hexdigest()


def tidy(name, build, commands, config, cache):
    path = str((ROOT / name).resolve())
    if path not in commands:
        return name, 1, "not in compile_commands.json: is its folder in CMakeLists.txt?"
    key = fingerprint(commands[path], config)
    stamp = cache / key if key else None
    if stamp and stamp.exists():
        return name, 0, ""
    run = subprocess.run(
        ["clang-tidy-14", "-p", str(build), "--quiet", f"--checks={EXTRA_CHECKS}",
         "--extra-arg=-Wthread-safety", "--extra-arg=-Wno-unknown-warning-option", path],
        capture_output=True, text=True, cwd=ROOT)
    if run.returncode == 0 and stamp:
        stamp.touch()
    errors = [line for line in run.stderr.splitlines() if not line.endswith("generated.")]
    return name, run.returncode, run.stdout + "\n".join(errors)


def main():
    build, jobs = (ROOT / sys.argv[1]).resolve(), int(sys.argv[2])
    names = [line.strip() for line in sys.stdin if line.strip()]
    config = (ROOT / ".clang-tidy").read_bytes()
    cache = build / "tidy"
    cache.mkdir(exist_ok=True)
    commands = compile_commands(build)
    failed, done, started = 0, 0, time.time()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        tasks = [pool.submit(tidy, name, build, commands, config, cache) for name in names]
        for task in concurrent.futures.as_completed(tasks):
            name, status, text = task.result()
            done += 1
            if status:
                failed += 1
                print(f"  FAILED {name}\n{text}", flush=True)
            elif done % 20 == 0:
                print(f"  [{done}/{len(names)} {time.time() - started:.0f}s]", flush=True)
    print(f"{len(names)} files, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
