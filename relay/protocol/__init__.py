"""What client and relay say to each other on `/v1/stream`.

`messages` are the words, `codec` puts them on the wire and takes them off it, `close_codes` says
how a conversation ends, `refusal` turns an error into the message and the close code that a client
sees. The whole is written down for people in `docs/reference/protocol.md` and for programs in
`docs/reference/asyncapi.yaml`, which tests hold against this package.
"""
