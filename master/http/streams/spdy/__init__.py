"""SPDY/3.1, as far as Kubernetes' streams use it: many byte streams over one connection.

    dictionary.py   what header blocks are compressed with
    frames.py       the frames
    decoding.py     bytes to frames
    encoding.py     frames to bytes
    connection.py   streams over anything that carries bytes: a socket, or a WebSocket

The framing is that of draft-mbelshe-httpbis-spdy-00 with the session window of SPDY/3.1.
"""
