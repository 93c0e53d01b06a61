"""Writes schema/schema.graphql, or with --check fails when the committed file is not what the code says."""

import sys
from pathlib import Path

from schema.build import sdl

SDL = Path(__file__).parent / "schema.graphql"


def main(arguments: list[str]) -> int:
    current = sdl()
    if "--check" not in arguments:
        SDL.write_text(current)
        return 0
    if SDL.read_text() == current:
        return 0
    sys.stderr.write("schema/schema.graphql is out of date: run `python -m schema.export` and review the diff.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
