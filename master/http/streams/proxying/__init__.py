"""HTTP to a pod, or to a pod behind a service, by way of the API.

target.py    what the path names: scheme, name, port; which pod of a service it is
headers.py   which headers pass, and what becomes of redirects
exchange.py  one request and its answer, through a tunnel
proxy.py     all of it together
"""
