//! What all targets have: an allocator that does not let a length that lies take memory, and the way into the target.

use std::alloc::{GlobalAlloc, Layout, System};

pub use hexalpes_fuzz;
pub use libfuzzer_sys;

/// The input is a few kilobytes, and what may be announced is bounded: nothing needs so much at once.
const ALLOCATION_BYTES_MAX: usize = 16 << 20;

struct Bounded;

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

impl Bounded {
    fn check(bytes: usize) {
        if bytes > ALLOCATION_BYTES_MAX {
            eprintln!("{bytes} bytes are wanted at once");
            std::process::abort();
        }
    }
}

// SAFETY: it is the system's allocator, asked as it is asked itself.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::check(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::check(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        Self::check(bytes);
        unsafe { System.realloc(pointer, layout, bytes) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The whole of a target.
#[macro_export]
macro_rules! fuzz {
    ($name:literal) => {
        use $crate::libfuzzer_sys;

        libfuzzer_sys::fuzz_target!(|data: &[u8]| ($crate::hexalpes_fuzz::target($name).run)(data));
    };
}
