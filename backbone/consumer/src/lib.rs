//! Handlers that act once on each event: inbox, retry, dead letters.
