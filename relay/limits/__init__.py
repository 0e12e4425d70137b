"""What an account may do, and how much of it.

policy      `Limits`: the numbers, and what overrides them; pure
pace        `Pace`: how fast audio may come; pure
allowance   `Allowance`: audio that a session has reserved and not taken yet; pure
terms       `Terms`: all that one session has to keep to
limiter     `Limiter`: sessions at once, connects per minute and audio per day, in Redis
slots       `Slots`: the provider's sessions, and a fair queue for them, in Redis
"""
