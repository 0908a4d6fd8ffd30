from __future__ import annotations

import socket

from stack.ports import free_port, is_free


def test_a_taken_port_is_passed_over_for_the_next_preferred_one() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        spare = free_port()

        assert not is_free(taken)
        assert free_port([taken, spare]) == spare


def test_any_free_port_does_when_all_preferred_are_taken() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]

        assert is_free(free_port([taken]))
