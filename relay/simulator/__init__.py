"""An offline stand-in of Scribe v2 Realtime, its quirks included.

    behaviour     the times and limits that the service has or may have
    faults        what may go wrong on request, and when
    credentials   keys, and tokens that are spent by one session
    endpointer    where a pause ends a segment (`commit_strategy=vad`)
    extras        entities, redaction and edits, as far as a stand-in can
    actions       what a session wants done
    session       one Scribe session as a state machine: messages in, actions out
    engines/      who transcribes: a script, or a real recogniser
    records       what was received, for tests and as WAV files
    outbox        messages and endings in the order and at the time they are due
    connection    one socket: does what its session wants
    control       faults and records over HTTP, for this machine only
    moderation    a moderation service that knows five words, for trying out analysis
    server        `Simulator`, which serves all of it

Down to `session` nothing does I/O or reads a clock. Nothing here imports the relay's side: what the
two agree on is Scribe's wire format alone.
"""
