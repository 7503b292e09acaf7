//! Recruitment: jobs, candidates, who fits whom and why, and who was hired.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

pub mod domain;
