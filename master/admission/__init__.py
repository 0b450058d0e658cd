"""What an object must go through before it is stored: defaults, strategy, rules, allocation.

Pure: no I/O, no clock, no random numbers. The caller passes its own copy of an object, in this
order: `defaulting.apply_defaults`, `strategy.prepare_create` or `prepare_update`,
`validation.validate_create` or `validate_update`; services and nodes then go through
`allocation`.
"""
