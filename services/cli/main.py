"""The program `antiphon`, also where only the client is installed."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; without the extra `server`, say in one sentence what is missing."""
    try:
        from antiphon.services.cli.commands.app import app

        app(prog_name="antiphon")
    except ModuleNotFoundError as error:
        if (error.name or "antiphon").startswith("antiphon"):
            raise
        sys.exit(f"The program antiphon needs the extra `server` ({error.name}): pip install 'antiphon[server]'")


if __name__ == "__main__":
    main()
