"""The rows of `Benchmarks/run --scaling`: time and memory per byte stay what they are, however large the input is.

Files: the mix in 10, 100 and 1000 MB, 1 and 10 million small keys, and one key of 1 and 10 million elements; each as a log, and as
the dump that `convert` makes of it. Of each family the largest file is held against the one before it: its CPU time for a byte
may be half as much again, and what streams stays below 40 MB of anonymous memory. `check --deep` looks for names that come twice, and
replaying holds what a log amounts to: neither may take more than three times the file.
"""
import os
import statistics
import subprocess
import sys

# name, arguments of make-mix; sizes in MB and counts are multiplied by --scale.
FAMILIES = {
    "mix": [(f"mix {size} MB", lambda s, size=size: [str(int(size * s * 1e6)), "1", "2", "once"]) for size in (10, 100, 1000)],
    "many keys": [(f"{count} M keys", lambda s, count=count: ["many-keys", str(int(count * s * 1e6))]) for count in (1, 10)],
    "one key": [(f"one key of {count} M elements", lambda s, count=count: ["huge-key", str(int(count * s * 1e6))]) for count in (1, 10)],
}
# name, whether it takes the dump (else the log), arguments, whether it streams.
OPERATIONS = [
    ("check, RDB", True, ["check", "{file}", "--quiet"], True),
    ("check --deep, RDB", True, ["check", "{file}", "--deep", "--quiet"], False),
    ("convert RDB to RESP", True, ["convert", "{file}", "--to", "resp", "-o", "-", "--quiet"], True),
    ("export, RDB", True, ["export", "{file}", "--quiet"], True),
    ("keys, RDB", True, ["keys", "{file}"], True),
    ("check, AOF", False, ["check", "{file}", "--quiet"], True),
    ("digest of an AOF (replay)", False, ["digest", "{file}"], False),
]
MOST_GROWTH = 1.5
MOST_MEGABYTES = 40
MOST_OF_FILE = 3


def make_files(data, name, arguments, maker, tool):
    """The log and the dump of one input; those that are there already stay."""
    base = os.path.join(data, "scaling-" + "-".join(arguments))
    log, dump = base + ".aof", base + ".rdb"
    if not os.path.exists(log):
        print(f"making {name}", file=sys.stderr)
        with open(log + ".part", "wb") as out:
            subprocess.run([maker, *arguments], stdout=out, check=True)
        os.rename(log + ".part", log)
    if not os.path.exists(dump):
        subprocess.run([tool, "convert", log, "--to", "rdb", "-o", dump, "--force", "--quiet"], check=True)
    return log, dump


def measure(run, data, maker, tool, rounds, scale):
    """The table, and what misses its bound."""
    lines = ["| input | operation | MB | CPU ns/byte | against the size before | peak MB, anonymous | |", "|---|---|---|---|---|---|---|"]
    missed = []
    for family in FAMILIES.values():
        before = {}
        for name, arguments in family:
            log, dump = make_files(data, name, arguments(scale), maker, tool)
            for operation, takes_dump, words, streams in OPERATIONS:
                file = dump if takes_dump else log
                size = os.path.getsize(file)
                command = [tool] + [word.replace("{file}", file) for word in words]
                samples = [run(command) for _ in range(rounds)]
                for sample in samples:
                    if sample.code:
                        sys.exit(f"{' '.join(command)} exits {sample.code}: {sample.errors.strip()[-300:]}")
                each = statistics.median(sample.cpu for sample in samples) / size * 1e9
                anonymous = max(sample.anonymous for sample in samples)
                growth = each / before[operation] if operation in before else None
                verdict = ""
                # Of the smallest the start of the program is a good part.
                if growth is not None:
                    verdict = "flat" if growth <= MOST_GROWTH else f"missed: must be ≤ {MOST_GROWTH}x"
                most = MOST_MEGABYTES if streams else MOST_MEGABYTES + MOST_OF_FILE * size / 1e6
                if anonymous > most:
                    verdict = f"missed: must be ≤ {most:.0f} MB"
                if verdict.startswith("missed"):
                    missed.append(f"{name}, {operation}: {verdict}")
                before[operation] = each
                lines.append(
                    f"| {name} | {operation} | {size / 1e6:.{1 if size < 1e7 else 0}f} | {each:.2f} | {f'{growth:.2f}x' if growth else ''} | "
                    f"{max(sample.resident for sample in samples):.0f}, {anonymous:.0f} | {verdict} |")
                print(lines[-1], file=sys.stderr, flush=True)
            # A gigabyte each: they are made again in seconds.
            for path in (log, dump):
                if os.path.getsize(path) > 300e6:
                    os.unlink(path)
    return "\n".join(lines), missed
