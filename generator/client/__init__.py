"""The way to an endpoint: one role's chat, its requests, replies, refusals, keys, tokens and prices."""
