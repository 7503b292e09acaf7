//! Notifications: every event, told once.
