"""What streams to pods look like over HTTPS: exec, attach, logs, port-forward and proxy.

The bytes of a pod come through the tunnels of master.dispatch.podstreams, and nothing is decided
here that is not decided there. Each function takes the request, who sent it and what it is about,
and returns a response that has been sent. An ApiError raised by one was raised before the first
byte of an answer: the server makes a Status of it. One function a module:

    exec_, attach   remote.py        WebSocket (websocket.py) or SPDY (spdy/)
    port_forward    forwarding.py    the same two, and SPDY within a WebSocket
    logs            logs.py
    proxy           proxying/        HTTP to a pod, or to a service's pod
"""
