"""The relay's edge: routes, and who may use them.

`admission` holds the rules for `Host`, `Origin` and subprotocol values, pure; `stream` is
`/v1/stream`; `health` tells whether the process lives and is ready.
"""
