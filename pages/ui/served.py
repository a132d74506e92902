"""The laboratory as one of several server processes serves it (:mod:`ddlab.serving`)."""

import os
from typing import Any

import streamlit as st
from starlette.types import ASGIApp
from streamlit import config

from ddlab.classroom import is_classroom

MOST_SAID = 4_000_000  # bytes of a message from somebody in a room; files come another way
TOLD = {  # of the environment, which Streamlit reads when its own command starts, and not here
    "server.address": "STREAMLIT_SERVER_ADDRESS",
    "browser.serverAddress": "STREAMLIT_BROWSER_SERVER_ADDRESS",
}
PING = 30  # seconds between two signs of life on a websocket, as "streamlit run" has them


def served() -> tuple[ASGIApp, dict[str, Any]]:
    """Return the application, and the settings of uvicorn with which ``streamlit run`` would serve it.

    Raises
    ------
    ValueError
        If the server shall speak TLS itself: the first bytes of a connection then do not tell whose it is.
    """
    if st.get_option("server.sslCertFile"):
        raise ValueError("server.sslCertFile: with several processes, let a proxy before them speak TLS")
    _listen_as_told()
    from app import app  # the file at the root, as the server imports it

    interval = st.get_option("server.websocketPingInterval") or PING
    return app, {
        "ws": "websockets-sansio",
        "ws_ping_interval": interval,
        "ws_ping_timeout": interval,
        "ws_max_size": MOST_SAID if is_classroom() else int(st.get_option("server.maxMessageSize") * 1e6),
        "ws_per_message_deflate": st.get_option("server.enableWebsocketCompression"),
        "use_colors": False,
        "access_log": False,
        "log_level": "warning",
    }


def _listen_as_told() -> None:
    """Let the pages know where the front listens and how it is called: they answer to these names alone."""
    for option, variable in TOLD.items():
        if os.environ.get(variable) and os.environ[variable] != st.get_option(option):
            config.set_option(option, os.environ[variable], "ddlab")
