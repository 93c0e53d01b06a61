"""`python -m app` is the `wayfare` command."""

from app.cli.main import main

main()
