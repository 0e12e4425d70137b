"""Who speaks, and how the relay comes to know it.

An *identity* is who speaks: of *kind* user, kiosk or key. Its *account* is the string that limits,
usage and history follow. A *role* says what it may do, and which limits it has by default.
A *credential* is what a request shows: a cookie, a ticket, a key, a proxy's header, or nothing but
the *place* it comes from. A *ticket* is spent by one connection; what is *signed* can be read by
everybody and made by the relay alone. The *peer* is the address at the other end of a connection;
the *caller* is who is behind it, as far as trusted proxies tell.

Pure:

identities    `Identity`: who speaks, and its account
signing       `Signer`: texts that go out and come back unchanged
origins       which `Host` and `Origin` headers are ours
addresses     `resolve`: the caller behind trusted proxies
places        `Places`: kiosks known by network or client certificate
resume_tokens what goes on with a session, and who may show it
throttle      `Throttle` and `Backoff`: how often somebody may try

With I/O:

secret_keys   the keys that sign, kept in the data folder
passwords     `Passwords`: argon2id, in threads
tickets       single-use tickets, kept in Redis
gate          `Gate`: the one place that decides who a request is
"""
