"""The program: `archc`, or `python -m archc`."""


def main() -> int:
    """Run the command line: its exit code. Ctrl-C ends the imports, too, without a traceback."""
    try:
        from archc.cli import main as run
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    raise SystemExit(main())
