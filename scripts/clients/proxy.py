"""A proxy on loopback that cuts connections: usage `proxy.py TO_PORT CUTS SEED`. Prints its port, and on SIGTERM how often it cut.

Each of the first CUTS connections that carry more than a few megabytes is reset after a random number of them.
"""

import random
import signal
import socket
import struct
import sys
import threading

to, cuts, seed = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
lock = threading.Lock()
done = 0


def reset(connection):
    """Ends a connection as a broken line does: what is on the way is lost."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def answers(service, client):
    try:
        while part := service.recv(65536):
            client.sendall(part)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client):
    global done
    service = socket.create_connection(("127.0.0.1", to))
    threading.Thread(target=answers, args=(service, client), daemon=True).start()
    with lock:
        after = chance.randrange(4 << 20, 40 << 20)
    passed = 0
    try:
        while part := client.recv(65536):
            passed += len(part)
            if passed > after:
                with lock:
                    cut = done < cuts
                    done += cut
                if cut:
                    reset(client)
                    reset(service)
                    return
            service.sendall(part)
        service.shutdown(socket.SHUT_WR)
    except OSError:
        for connection in (client, service):
            connection.close()


def end(*_):
    print(done, flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
