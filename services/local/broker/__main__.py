"""What the Makefile calls: `python -m services.local.broker java|jars|lock`."""

from __future__ import annotations

import sys

from services.kafka import BrokerError
from services.local.broker import jars, java


def main(command: str) -> int:
    try:
        if command == "java":  # which one a start would use
            print(java.find_java())
        elif command == "jars":  # fetch what is missing, verify all
            jars.classpath()
        elif command == "lock":  # write jars.lock anew
            jars.renew_lock()
    except BrokerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
