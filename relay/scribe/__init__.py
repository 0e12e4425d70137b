"""Scribe v2 Realtime's wire format, and nothing about what to do with it.

    errors       the error types, and which of them a new socket can mend
    messages     what either side may say, as frozen structs
    codec        those structs from and to JSON text
    kinds        how one query parameter is read, checked and written
    parameters   all query parameters, with their bounds and conflicts
    reference    the same as a page of the documentation

The relay's upstream side, its Scribe-compatible endpoint and the simulator share it. Nothing here
does I/O.
"""
