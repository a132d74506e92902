"""The server's sockets: what is written is sent at once."""

import os
import socket

from pages.ui import wire


def test_connections_of_a_socket_that_listens_send_at_once():
    with socket.socket() as server:  # as Streamlit makes it: asyncio does not know it as TCP
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert server.fileno() in wire.listening()
        wire.send_at_once(server.fileno())
        with socket.create_connection(server.getsockname()), server.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        os.fstat(server.fileno())  # still open
