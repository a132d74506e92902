"""Coroutines of tests, each in a thread of its own: browser tests leave a loop at work in their worker's thread."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end, and return what it returns."""
    return apart(asyncio.run, coroutine)


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a thread that has no loop yet, and return what it returns."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()
