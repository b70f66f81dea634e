"""A child process that says whatever a test wants said.

    python -m odd_child REQUEST

Sends the bytes of the file that the request names, and ends. A file called
`exit.bin` holds what is written to stderr before an end with code 3.
"""

import json
import socket
import sys
from pathlib import Path

if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    path = Path(request.get("path") or request["source"])
    if path.name == "exit.bin":
        sys.exit(3) if sys.stderr.write(path.read_text()) else None
    socket.socket(fileno=request["connection"]).sendall(path.read_bytes())
