"""What the checks in Python have in common: `ok` and `FAILED` lines."""

import sys

failures = 0


def expect(client, what, expected, found):
    """One check: `found` is called, and equals `expected` or, where that is a function, satisfies it."""
    global failures
    try:
        value = found()
    except Exception as error:  # whatever the client makes of an answer is the finding
        value, right = f"{type(error).__name__}: {error}", False
    else:
        right = expected(value) if callable(expected) else value == expected
    if right:
        print(f"ok {client}: {what}")
        return value
    failures += 1
    wanted = expected.__doc__ if callable(expected) else repr(expected)
    print(f"FAILED {client}: {what}: expected {wanted}, found {str(value)[:500]}")
    return None


def some(value):
    """at least one"""
    return bool(value)


def two_or_more(value):
    """two or more"""
    return len(value) > 1


def finish():
    sys.exit(1 if failures else 0)
