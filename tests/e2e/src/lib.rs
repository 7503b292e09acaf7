//! The whole product, driven through its binary.
