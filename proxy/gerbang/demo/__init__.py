"""A whole office on one machine: stand-in platforms, a morning's acts, and the table of what happened.

The stand-ins answer under the platforms' real names on loopback, and their pages send what the real pages
send, so that the browser tests use them too.
"""
