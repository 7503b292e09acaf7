//! Commissions: what each conversion owes, why, and what became of it.

pub mod domain;
