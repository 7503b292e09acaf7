//! Journal, segments and recovery.
