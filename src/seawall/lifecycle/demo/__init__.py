"""A lamp shop that runs its customer service through Seawall, with models that misbehave: `seawall demo`."""
