import socket

import pytest


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise OSError("There is no network in this test.")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
