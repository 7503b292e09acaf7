#![no_main]

hexalpes_fuzz_targets::fuzz!("frame");
