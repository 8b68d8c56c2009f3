"""`python -m rollouts`, `rollouts` and `kubectl rollouts` are the same program."""

import sys

from rollouts.cli.app import run


def main() -> None:
    """Run the command line; ends with SystemExit."""
    run(sys.argv)


if __name__ == "__main__":
    main()
