//! The file layer under everything that must survive a crash, and its forgetful twin for tests.
