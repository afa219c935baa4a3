"""What git starts in place of OpenSSH's client: `python -I -m hooks.webhooks.ssh ORDER ANSWER …`.

ORDER and ANSWER are descriptors (`order`); of what git adds only the command is looked at. Its standard
input and output are git's.
"""

import sys

from hooks.webhooks.ssh.order import give, take


def main(arguments: list[str]) -> int:
    """Do what the order says; return the exit status."""
    order = take(int(arguments[0]))
    from hooks.webhooks.ssh.client import carry_out  # costs a quarter of a second

    answer = carry_out(order, arguments[-1])
    give(int(arguments[1]), answer)
    return 0 if answer.is_done else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
