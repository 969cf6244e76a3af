// A small heap: blocks of powers of two, a list of free ones for each size. What is freed is used again, so calls do not
// grow memory; memory is never given back, for WebAssembly cannot.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::ptr::null_mut;

pub struct Heap;

/// Smallest block, and the largest alignment that is had for nothing.
const LEAST: usize = 16;
const SIZES: usize = 32;
const PAGE: usize = 65_536;

unsafe extern "C" {
    /// The linker's: where memory is free.
    static __heap_base: u8;
}

/// Heads of the lists; the first word of a free block is the next one. A module has one thread.
static mut FREE: [*mut u8; SIZES] = [null_mut(); SIZES];
static mut END: usize = 0;

fn size_of_block(layout: Layout) -> usize {
    layout.size().max(layout.align()).max(LEAST).next_power_of_two()
}

unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // The next power of two would be none.
        if layout.size() > 1 << 30 {
            return null_mut();
        }
        let size = size_of_block(layout);
        unsafe {
            if layout.align() > LEAST {
                return take(size, layout.align());
            }
            let list = (&raw mut FREE).cast::<*mut u8>().add(size.trailing_zeros() as usize);
            let block = *list;
            if block.is_null() {
                return take(size, LEAST);
            }
            *list = *block.cast::<*mut u8>();
            block
        }
    }

    /// Blocks of a larger alignment are not used again: those of a list have the one that all need.
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.align() > LEAST {
            return;
        }
        unsafe {
            let size = size_of_block(layout);
            let list = (&raw mut FREE).cast::<*mut u8>().add(size.trailing_zeros() as usize);
            *block.cast::<*mut u8>() = *list;
            *list = block;
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe {
            let wanted = Layout::from_size_align_unchecked(size, layout.align());
            if size <= 1 << 30 && size_of_block(wanted) == size_of_block(layout) {
                return block;
            }
            let made = self.alloc(wanted);
            if !made.is_null() {
                core::ptr::copy_nonoverlapping(block, made, layout.size().min(size));
                self.dealloc(block, layout);
            }
            made
        }
    }
}

/// A block from memory that was never used; a null pointer where there is no more.
unsafe fn take(size: usize, alignment: usize) -> *mut u8 {
    unsafe {
        if END == 0 {
            END = (&raw const __heap_base) as usize;
        }
        let start = (END + alignment - 1) & !(alignment - 1);
        let Some(end) = start.checked_add(size) else { return null_mut() };
        let have = wasm32::memory_size(0) * PAGE;
        if end > have && wasm32::memory_grow(0, (end - have).div_ceil(PAGE)) == usize::MAX {
            return null_mut();
        }
        END = end;
        start as *mut u8
    }
}
