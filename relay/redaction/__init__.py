"""Personal data taken out of what was said before it is stored. Pure.

    redactor = Redactor(["email", "card"])
    redactor.text("write to anna@example.com")   # "write to [email]"

Nothing here is sure to find all there is: speech has more ways to say a number than anybody has
written down. What has a checksum is only taken out if that is right.
"""
