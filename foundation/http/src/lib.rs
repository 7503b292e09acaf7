//! What every HTTP face shares: problems, bodies, causes, idempotency, lists, health.
