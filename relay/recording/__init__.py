"""What was heard, kept as FLAC beside the transcripts, where an operator wants that.

A session's owner writes *parts*: stretches of audio without a gap, which a killed worker leaves
readable. When the session is over they are joined into one file, its *recording*.
"""
