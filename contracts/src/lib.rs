//! Integration events: the contracts between contexts.
