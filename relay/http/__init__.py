"""The relay's edge: routes, and who may use them.

access    who makes a request; what stands before every route
stream    `/v1/stream`
sign_in   `/api/login`, `/api/logout`, `/api/me`
bodies    reads the bodies of requests, bounded
tokens    tickets, and the provider's own tokens where they are given out
kiosks    how a device becomes a kiosk
admin     what operators see and do
health    whether the process lives and is ready
"""
