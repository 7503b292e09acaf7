//! Commissions: what each conversion owes, why, and what became of it.
