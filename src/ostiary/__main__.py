"""``python -m ostiary`` and the ``ostiary`` command."""

from ostiary.cli.main import main

if __name__ == "__main__":
    main()
