"""Writes data/SHA256SUMS over everything that ships.

python -m data.making.checksums --out data
"""

import argparse
import hashlib
import pathlib

NOT_SHIPPED = ("SHA256SUMS", "README.md")


def main(out):
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(out.iterdir())
        if path.is_file() and path.name not in NOT_SHIPPED
    ]
    (out / "SHA256SUMS").write_text("".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default="data")
    main(parser.parse_args().out)
