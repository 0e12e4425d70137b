"""The provider's side of a session.

Pure: `ledger` keeps the audio that no final covers yet, `commit_policy` decides where segments
end, `feed` puts both to work on the samples of a session, `leg` maps the time of one provider
socket to the session's, `finals` pairs commits with their answers, `session` decides what to send
and what events mean, `history` is what outlives a socket, `recovery` what is done when one fails,
`breaker` who may try to connect.
`connection` and `tokens` are the only files that do I/O.
"""
