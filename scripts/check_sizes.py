#!/usr/bin/env python3
"""Checks the budgets: files of at most 450 lines (warning) and 800 (refused), functions of at most
60 lines (with -v listed) and 100 (refused). Tables and data (*.inc) are exempt.

Functions are found by counting braces in text from which comments and literals were blanked: a
block whose head ends in a parameter list (and is not a control statement, a lambda or an
initialiser) is a function. TEST_CASE bodies count by their SUBCASEs' total, like functions.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_WARN, FILE_MAX = 450, 800
FUNCTION_WARN, FUNCTION_MAX = 60, 100
# Generated or pure tables.
EXEMPT_FILES = set()

LITERALS = re.compile(
    r'R"(?P<d>[^()\\ ]{0,16})\(.*?\)(?P=d)"'  # raw strings
    r'|//[^\n]*|/\*.*?\*/'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+'",
    re.S)
CONTROL = re.compile(r"\b(if|for|while|switch|catch|do|else|try|return|namespace|struct|class|enum"
                     r"|union|new|case|default)\b")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def files():
    out = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"],
        capture_output=True, text=True, check=True)
    return [n for n in out.stdout.splitlines()
            if n.endswith((".h", ".cc")) and (ROOT / n).exists()]


def is_function_head(head):
    """head: the text between the previous ; { or } and this {."""
    head = head.strip()
    if "(" not in head:
        return False
    # `Type name{` and `= {` are initialisers; `[...](...) {` is a lambda.
    if head.endswith(("=", ",", "(", "[")) or re.search(r"\]\s*(\([^()]*\))?[^()]*$", head):
        return False
    first = CONTROL.search(head)
    if first and (first.start() == 0 or head[:first.start()].strip() in ("}", "")):
        return False
    # After the last ) only qualifiers, a trailing return type or a constructor's initialisers.
    return True


def functions(text):
    """Yields (first line, line count, head) of every function body."""
    text = LITERALS.sub(blank, text)
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.)*(?:\\\n[^\n]*)*", blank, text, flags=re.M)
    stack, head_start, line = [], 0, 1
    parens = 0
    for index, char in enumerate(text):
        if char == "\n":
            line += 1
        elif char == "(":
            parens += 1
        elif char == ")":
            parens -= 1
        elif char == "{":
            head = text[head_start:index]
            inside_function = any(entry[0] for entry in stack)
            # Braces inside parentheses at top level are default arguments or initialisers.
            function = not inside_function and parens == 0 and is_function_head(head)
            first = line - head.strip().count("\n")
            stack.append((function, first, " ".join(head.split()), parens, head_start))
            parens = 0
            head_start = index + 1
        elif char == "}":
            if stack:
                function, first, head, parens, begin = stack.pop()
                if function and text[index + 1:index + 80].lstrip()[:1] in (",", "{"):
                    head_start = begin  # `c_{3},` in a constructor's initialisers: its body follows
                    continue
                if function:
                    yield first, line - first + 1, head
            head_start = index + 1
        elif char == ";" and parens == 0:
            head_start = index + 1


def main():
    verbose = "-v" in sys.argv[1:]
    warnings, refused, total, longest = [], [], 0, 0
    for name in files():
        if name in EXEMPT_FILES:
            continue
        text = (ROOT / name).read_text(errors="replace")
        lines = text.count("\n")
        total += 1
        longest = max(longest, lines)
        if lines > FILE_MAX:
            refused.append(f"{name}: {lines} lines, at most {FILE_MAX}: split it by meaning")
        elif lines > FILE_WARN:
            warnings.append(f"{name}: {lines} lines, better at most {FILE_WARN}")
        for first, count, head in functions(text):
            short = re.sub(r"^.*?([\w:~]+\s*\().*$", r"\1)", head)[:60]
            if count > FUNCTION_MAX:
                refused.append(f"{name}:{first}: {short} has {count} lines, at most {FUNCTION_MAX}")
            elif count > FUNCTION_WARN and verbose:
                warnings.append(f"{name}:{first}: {short} has {count} lines, better at most "
                                f"{FUNCTION_WARN}")
    for text in warnings:
        print("warning:", text)
    for text in refused:
        print(text)
    print(f"{total} files, the longest {longest} lines; {len(refused)} over the budget")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
