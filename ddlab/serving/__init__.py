"""Several server processes behind one address: each visitor stays with the process that holds his session.

A web application that keeps a session's state in memory, as Streamlit does, cannot be spread over processes at will:
the page's connection, its uploads and its pictures all belong to one of them. The *front* (:mod:`ddlab.serving.front`)
accepts connections and reads no message: it looks at the head of the first request, without taking it, for a cookie
that names a *backend*, and hands the connection itself to that process. From then on the two ends talk directly.
"""

from ddlab.serving.front import serve

__all__ = ["serve"]
