"""What committed segments are judged by, and how whoever should know is told.

    scores      what an analyser says, and what one is
    tokens      a text in the one form in which words are compared
    lexicon     a language's words and phrases, from `lexicons/`
    matching    finds them in a text, in one pass
    local       the analyser that needs no network
    moderation  the format of OpenAI's moderation, and an analyser that asks for it
    webhooks    what is sent when a segment is flagged, signed as Standard Webhooks are
    posting     how both are sent

All of it but `posting` and the analyser in `moderation` is pure.
"""
