import socket

from rollouts.kube.transport import socket_of

PARTS = ("IDLE", "INTVL", "CNT")


def test_a_connection_whose_other_end_is_gone_is_noticed_within_half_a_minute():
    with socket_of((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))) as made:
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        idle, every, count = (made.getsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_KEEP{part}")) for part in PARTS)
        assert idle + every * count <= 30
