//! Money, ids, time and the event envelope: values without IO.
