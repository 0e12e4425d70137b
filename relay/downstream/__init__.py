"""The client's side of a session.

Pure: `options` decides what a request is granted, `request` reads it, `outbox` holds what the
client has not taken yet, `session` knows what the client's messages mean and numbers ours.
`connection` is the only file that does I/O.
"""
