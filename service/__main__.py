"""``mintmark`` and ``python -m service`` are the same command."""

import sys


def main() -> None:
    """Run the command line. Ctrl-C while it still loads ends it as it does later: in silence, with exit code 130."""
    try:
        from service.cli import main as run  # imported here, as that is most of what it loads

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
