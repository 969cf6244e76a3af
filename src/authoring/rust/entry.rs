// Ties an author's `validate` to the canonical ABI: the crate that the core module is made of. `contract` is set by the
// build, `contract_0_1_0` or `contract_0_2_0`.
#![no_std]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use wasmpay::{Bank, Currency, Transaction};

mod heap;

#[global_allocator]
static HEAP: heap::Heap = heap::Heap;

/// A panic is a trap, and a trap is never an approval.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    wasm32::unreachable()
}

/// New memory for the host to write arguments to.
#[unsafe(export_name = "cabi_realloc")]
unsafe extern "C" fn reallocate(old: *mut u8, old_size: usize, alignment: usize, size: usize) -> *mut u8 {
    if size == 0 {
        return alignment as *mut u8;
    }
    let made = unsafe {
        if old_size == 0 {
            HEAP.alloc(Layout::from_size_align_unchecked(size, alignment))
        } else {
            HEAP.realloc(old, Layout::from_size_align_unchecked(old_size, alignment), size)
        }
    };
    if made.is_null() {
        wasm32::unreachable();
    }
    made
}

/// A `string` of the canonical ABI.
#[repr(C)]
struct Text {
    pointer: *mut u8,
    size: usize,
}

/// Record `transaction`, 104 bytes: more than the 16 core values that are passed as parameters, so it lies in memory.
#[repr(C)]
struct Record {
    id: Text,
    origin: [Text; 4],
    destination: [Text; 4],
    name: Text,
    symbol: Text,
    amount: i64,
    status: Text,
}

impl Text {
    fn read(&self) -> &str {
        if self.size == 0 {
            return "";
        }
        // The host writes valid UTF-8: the canonical ABI has it check that.
        unsafe { core::str::from_utf8_unchecked(core::slice::from_raw_parts(self.pointer, self.size)) }
    }

    unsafe fn free(&self) {
        if self.size != 0 {
            unsafe { HEAP.dealloc(self.pointer, Layout::from_size_align_unchecked(self.size, 1)) }
        }
    }
}

impl Record {
    fn read(&self) -> Transaction<'_> {
        Transaction {
            id: self.id.read(),
            origin: read_bank(&self.origin),
            destination: read_bank(&self.destination),
            amount: Currency { name: self.name.read(), symbol: self.symbol.read(), amount: self.amount },
            status: self.status.read(),
        }
    }

    /// Gives back what the host took from `cabi_realloc` for one call.
    unsafe fn free(record: *mut Record) {
        unsafe {
            let Record { id, origin, destination, name, symbol, status, .. } = &*record;
            for text in [id, name, symbol, status].into_iter().chain(origin).chain(destination) {
                text.free();
            }
            HEAP.dealloc(record.cast(), Layout::new::<Record>());
        }
    }
}

fn read_bank([id, name, country, currency]: &[Text; 4]) -> Bank<'_> {
    Bank { id: id.read(), name: name.read(), country: country.read(), currency: currency.read() }
}

#[cfg(contract_0_1_0)]
#[unsafe(export_name = "wasmpay:platform/validation@0.1.0#validate")]
unsafe extern "C" fn validate(record: *mut Record) -> u32 {
    unsafe {
        let approved: bool = validator::validate(&(*record).read());
        Record::free(record);
        approved as u32
    }
}

/// Variant `verdict` in memory: the case's number, then `denial`'s two strings.
#[cfg(contract_0_2_0)]
#[repr(C)]
struct Answer {
    kind: u32,
    code: (*const u8, usize),
    message: (*const u8, usize),
    /// Owns what the two strings point to.
    verdict: wasmpay::Verdict,
}

#[cfg(contract_0_2_0)]
#[unsafe(export_name = "wasmpay:platform/validation@0.2.0#validate")]
unsafe extern "C" fn validate(record: *mut Record) -> *mut Answer {
    use alloc::boxed::Box;
    let verdict: wasmpay::Verdict = unsafe { validator::validate(&(*record).read()) };
    unsafe { Record::free(record) };
    let nothing = (core::ptr::null(), 0);
    let mut answer = Box::new(Answer { kind: 0, code: nothing, message: nothing, verdict });
    if let wasmpay::Verdict::Deny(denial) = &answer.verdict {
        let (code, message) = (denial.code.as_bytes(), denial.message.as_bytes());
        let texts = ((code.as_ptr(), code.len()), (message.as_ptr(), message.len()));
        answer.kind = 1;
        (answer.code, answer.message) = texts;
    }
    Box::into_raw(answer)
}

#[cfg(contract_0_2_0)]
#[unsafe(export_name = "cabi_post_wasmpay:platform/validation@0.2.0#validate")]
unsafe extern "C" fn forget(answer: *mut Answer) {
    unsafe { drop(alloc::boxed::Box::from_raw(answer)) }
}
