"""Content of files in messages: names and errors may be long, or hold anything."""

from ddlab.registry import MOST_SHOWN


def shown(what: object, most: int = MOST_SHOWN) -> str:
    """Text for a message: on one line, without its middle where it is long, with escapes for what cannot be printed."""
    text = str(what)
    if len(text) > most:
        text = f"{text[: most // 2]}…{text[-(most // 2) :]}"
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def reason(error: BaseException) -> str:
    """Return the message of an error, or its type's name where it has none."""
    return shown(str(error) or type(error).__name__, 3 * MOST_SHOWN)


def amount(num_bytes: int) -> str:
    """A number of bytes the way people say it."""
    if num_bytes >= 2**80:
        return "more than 2⁸⁰ bytes"
    for exponent, unit in ((40, "TiB"), (30, "GiB"), (20, "MiB")):
        if num_bytes >= 2**exponent:
            return f"{num_bytes / 2**exponent:,.1f} {unit}"
    return f"{num_bytes:,} bytes"
