#!/usr/bin/env python3
"""Checks who includes whom: the layering table of this project.

Every #include "…" of the product (wbxml, storage, server) must be allowed by ALLOWED below; folders
must not include each other in a circle; third-party headers stay in the folders of THIRD_PARTY.
Prints `file:line: reason` for each violation; exit status 1 if there is any.
"""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Folder -> folders (or single headers) it may include; itself is always allowed. The most specific
# folder of a file counts. Trailing "/" = the whole folder with what lies below.
INTERFACES = [
    "storage/base/", "storage/collection.h", "storage/mail/mail_store.h",
    "storage/mail/mail_sender.h", "storage/mail/thread_index.h", "storage/state/state_store.h",
    "storage/state/policy_store.h", "storage/state/user_settings.h",
    "storage/directory/directory.h", "storage/directory/address_list.h",
    "storage/notify/change_hub.h",
    "storage/search/search_index.h",
]
# What commands lean on and the running server starts; each a folder with one purpose.
FEATURES = [
    "server/autoreply/", "server/certificates/", "server/conversations/", "server/policy/",
    "server/receipts/", "server/search/",
]
EXCHANGE = "server/http/exchange.h"
PROTOCOL = "server/protocol_version.h"
LIMITS = "server/config/limits.h"

ALLOWED = {
    "wbxml": [],
    "storage": ["storage/base/"],  # storage/collection.h
    "storage/base": [],
    "storage/sql": ["storage/base/"],
    "storage/notify": ["storage/base/", "storage/collection.h"],
    "storage/state": ["storage/base/", "storage/sql/database.h", "storage/collection.h"],
    "storage/directory": ["storage/base/", "storage/sql/database.h", "storage/collection.h"],
    "storage/mail": ["storage/base/", "storage/sql/database.h", "storage/collection.h",
                     "storage/notify/"],
    "storage/search": ["storage/base/", "storage/sql/database.h", "storage/collection.h"],
    "storage/search/sql": ["storage/base/", "storage/sql/", "storage/collection.h",
                           "storage/search/*.h"],
    "storage/state/sql": ["storage/base/", "storage/sql/", "storage/collection.h",
                          "storage/state/*.h"],
    "storage/directory/sql": ["storage/base/", "storage/sql/", "storage/collection.h",
                              "storage/directory/*.h"],
    "storage/mail/maildir": ["storage/base/", "storage/sql/", "storage/notify/",
                             "storage/collection.h", "storage/mail/*.h"],
    "storage/mail/threads": ["storage/base/", "storage/sql/database.h", "storage/collection.h",
                             "storage/mail/*.h"],
    "storage/mail/smtp": ["storage/base/", "storage/sql/", "storage/collection.h",
                          "storage/mail/*.h"],
    "server": ["storage/base/"],  # server/protocol_version.*
    "server/http": ["storage/base/"],
    "server/auth": [*INTERFACES],
    "server/items": ["wbxml/", PROTOCOL, *INTERFACES],
    "server/sync": ["wbxml/", PROTOCOL, LIMITS, "server/items/", *INTERFACES],
    "server/autodiscover": [EXCHANGE, "server/auth/", "storage/directory/address.h", *INTERFACES],
    "server/doctor": [EXCHANGE, "server/config/", "storage/sql/database.h", *INTERFACES],
    "server/autoreply": ["server/items/", "server/sync/waiting.h", *INTERFACES],
    # Read receipts are answers of a machine too: same rules, ledger and header.
    "server/receipts": ["server/items/", "server/autoreply/", *INTERFACES],
    "server/search": ["server/items/", *INTERFACES],
    # What becomes of conversations: rules of users, and the watcher that carries them out.
    "server/conversations": ["server/sync/waiting.h", *INTERFACES],
    "server/policy": ["wbxml/", PROTOCOL, *INTERFACES],
    "server/config": ["storage/base/", "wbxml/decoder.h"],
    "server/capture": ["wbxml/", PROTOCOL, EXCHANGE, "storage/base/"],
    "server/client": ["wbxml/", PROTOCOL, "storage/base/", "server/capture/exchange_record.h"],
    "server/demo": ["storage/base/"],
    "server/certificates": ["storage/base/"],
    "server/commands": ["wbxml/", PROTOCOL, LIMITS, EXCHANGE, "server/sync/", "server/items/",
                        "server/auth/", "server/capture/", *FEATURES, *INTERFACES],
    "server/admin": ["wbxml/", "storage/", PROTOCOL, EXCHANGE, "server/http/http_server.h",
                     "server/config/", "server/commands/", "server/client/", "server/demo/",
                     "server/capture/", "server/auth/", "server/items/", "server/sync/",
                     "server/autodiscover/", "server/doctor/", *FEATURES],
    "server/main.cc": ["wbxml/", "storage/", "server/"],
}

# A backend's headers are included by its own folder and by the registry beside the interface.
BACKENDS = {
    "storage/mail/maildir": ["storage/mail/backends.cc"],
    "storage/mail/smtp": ["storage/mail/backends.cc"],
    "storage/search/sql": ["storage/search/backends.cc"],
    "storage/mail/threads": ["storage/mail/backends.cc"],
    "storage/state/sql": ["storage/state/backends.cc"],
    "storage/directory/sql": ["storage/directory/backends.cc"],
}

# Third-party header -> where it may be included (files or folders).
THIRD_PARTY = [
    (r"httplib\.h", ["server/http/", "server/client/"]),
    (r"gmime/", ["server/items/", "server/commands/send_mail", "server/commands/outgoing_message",
                 "server/commands/mail_lines"]),
    (r"(libpq-fe|postgres_ext)\.h", ["storage/sql/", "storage/notify/postgres_bridge"]),
    (r"sqlite3\.h", ["storage/sql/"]),
    (r"openssl/", ["storage/base/", "storage/directory/sql/", "server/certificates/",
                   "server/http/", "server/demo/", "server/client/",
                   "server/autodiscover/profile", "server/doctor/"]),
    (r"curl/", ["storage/mail/smtp/", "server/certificates/", "server/doctor/"]),
    (r"unicode/", ["server/items/", "storage/directory/", "storage/search/"]),
    (r"pugixml\.hpp", ["wbxml/", "server/autodiscover/", "server/client/"]),
    (r"spdlog/", ["storage/base/"]),
    (r"toml\+\+/|toml\.hpp", ["server/config/"]),
    (r"CLI/", ["server/admin/", "server/main.cc"]),
    (r"crypt\.h", ["storage/directory/"]),
    (r"doctest/", []),
    (r"benchmark/", []),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def product_files():
    out = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard",
         "wbxml", "storage", "server"], capture_output=True, text=True)
    names = out.stdout.split() if out.returncode == 0 else [
        str(p.relative_to(ROOT)) for top in ("wbxml", "storage", "server")
        for p in (ROOT / top).rglob("*")]
    return [n for n in names if n.endswith((".h", ".cc", ".inc")) and (ROOT / n).exists()]


def layer_of(name):
    """The most specific row of ALLOWED for a file."""
    if name in ALLOWED:
        return name
    folder = str(Path(name).parent)
    while folder not in ALLOWED:
        if "/" not in folder:
            return None
        folder = folder.rsplit("/", 1)[0]
    return folder


def matches(rule, target):
    if rule.endswith("/"):
        return target.startswith(rule)
    if rule.endswith("/*.h"):  # headers right in that folder
        return str(Path(target).parent) == rule[:-4]
    return target == rule


def allowed(name, target):
    layer = layer_of(name)
    if layer is None:
        return False
    backend = next((b for b in BACKENDS if target.startswith(b + "/")), None)
    if backend and not name.startswith(backend + "/"):
        return name in BACKENDS[backend] or name == "server/main.cc"
    if target.startswith(layer + "/") and layer != "server":
        return True
    if layer == "server" and target == PROTOCOL:
        return True
    return any(matches(rule, target) for rule in ALLOWED[layer])


def find_cycle(edges):
    state, path = {}, []

    def visit(node):
        state[node] = "open"
        path.append(node)
        for nxt in sorted(edges[node]):
            if state.get(nxt) == "open":
                return path[path.index(nxt):] + [nxt]
            if nxt not in state:
                cycle = visit(nxt)
                if cycle:
                    return cycle
        path.pop()
        state[node] = "done"
        return None

    for start in sorted(edges):
        if start not in state:
            cycle = visit(start)
            if cycle:
                return cycle
    return None


def main():
    problems, count = [], 0
    edges = defaultdict(set)
    for name in sorted(product_files()):
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            count += 1
            quoted, target = found.group(1) == '"', found.group(2)
            where = f"{name}:{number}"
            if quoted and target.startswith("pages/") and name.startswith("wbxml/"):
                target = "wbxml/" + target
            if quoted and target.split("/")[0] in ("wbxml", "storage", "server", "tests"):
                if not (ROOT / target).exists():
                    problems.append(f"{where}: no such file: {target}")
                elif not allowed(name, target):
                    problems.append(
                        f"{where}: {layer_of(name) or name} may not include {target}")
                else:
                    source, sink = layer_of(name), layer_of(target)
                    # A backend belongs to its interface's folder; single headers are no edge.
                    source = source.rsplit("/", 1)[0] if source in BACKENDS else source
                    sink = sink.rsplit("/", 1)[0] if sink in BACKENDS else sink
                    if source != sink and target not in (PROTOCOL, LIMITS, EXCHANGE):
                        edges[source].add(sink)
                continue
            if quoted and not (ROOT / target).exists():
                problems.append(f'{where}: write the path from the root: "{target}"')
                continue
            for pattern, homes in THIRD_PARTY:
                if re.match(pattern, target) and not any(name.startswith(h) for h in homes):
                    problems.append(
                        f"{where}: <{target}> belongs in {', '.join(homes) or 'tests'} only")
    cycle = find_cycle(edges)
    if cycle:
        problems.append("folders include each other in a circle: " + " -> ".join(cycle))
    for problem in problems:
        print(problem)
    print(f"{count} includes, {len(problems)} not allowed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
