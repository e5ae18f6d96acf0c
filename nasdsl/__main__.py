"""`python -m nasdsl` is `nasdsl`."""

from nasdsl.cli import main

if __name__ == "__main__":
    main()
