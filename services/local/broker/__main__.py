"""What set-up asks: `python -m services.local.broker java` says which Java a start would use, `... jars` fetches the jars."""

from __future__ import annotations

import sys

from services.kafka.errors import BrokerError
from services.local.broker.jars import classpath
from services.local.broker.java import find_java


def main(wanted: str) -> int:
    try:
        print(find_java()) if wanted == "java" else classpath()
    except BrokerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
