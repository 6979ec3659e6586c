//! What a status means, as text for people and as a class for programs.

use std::ffi::c_char;

use hauptbuch_core::error::{Code, Fault};

/// Who has to change something before the same call can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum hb_fault {
    /// The number is no status of this library.
    Unknown = -1,
    /// Nobody: an outcome, not an error.
    None = 0,
    /// Whoever sent the transaction or the bytes.
    Sender = 1,
    /// The program that calls the library.
    Caller = 2,
    /// Whoever runs the node: its configuration, or its capacity for the load.
    Operator = 3,
    /// The library: a broken invariant, please report it.
    Library = 4,
}

/// What a status means, in one line of English.
///
/// The text is static, ends with a zero byte and is never null; of a number that is no status it
/// says so. Any thread, at any time. Cost: O(number of statuses).
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn hb_status_message(status: i32) -> *const c_char {
    code_of(status).map_or(c"no status of this library".as_ptr(), |code| {
        MESSAGES.get(code)
    })
}

/// A status's name as metrics and reports print it, as in "PoolFull"; "Unknown" for others.
///
/// The text is static, ends with a zero byte and is never null. Any thread, at any time.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn hb_status_name(status: i32) -> *const c_char {
    code_of(status).map_or(c"Unknown".as_ptr(), |code| NAMES.get(code))
}

/// Whose fault a status is.
///
/// Any thread, at any time.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn hb_status_fault(status: i32) -> hb_fault {
    match code_of(status).map(Code::fault) {
        Some(Fault::None) => hb_fault::None,
        Some(Fault::Sender) => hb_fault::Sender,
        Some(Fault::Caller) => hb_fault::Caller,
        Some(Fault::Operator) => hb_fault::Operator,
        Some(Fault::Library) => hb_fault::Library,
        _ => hb_fault::Unknown,
    }
}

/// Whether the same call can succeed later with nothing changed in it.
///
/// Any thread, at any time.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn hb_status_is_retryable(status: i32) -> bool {
    code_of(status).is_some_and(Code::is_retryable)
}

/// The code behind a number that a caller gave.
pub(crate) fn code_of(status: i32) -> Option<Code> {
    u16::try_from(status).ok().and_then(Code::from_number)
}

static MESSAGES: Texts<{ joined_len(false) }> = Texts::new(false);
static NAMES: Texts<{ joined_len(true) }> = Texts::new(true);

/// One text for every code, each with the zero byte that C wants and the core's texts lack.
struct Texts<const LEN: usize> {
    joined: [u8; LEN],
    starts: [usize; Code::ALL.len()],
}

impl<const LEN: usize> Texts<LEN> {
    const fn new(is_name: bool) -> Self {
        let (mut joined, mut starts) = ([0; LEN], [0; Code::ALL.len()]);
        let (mut end, mut at) = (0, 0);
        while at < Code::ALL.len() {
            starts[at] = end;
            let text = text_of(Code::ALL[at], is_name).as_bytes();
            let mut byte = 0;
            while byte < text.len() {
                joined[end] = text[byte];
                (end, byte) = (end + 1, byte + 1);
            }
            (end, at) = (end + 1, at + 1);
        }
        Self { joined, starts }
    }

    fn get(&'static self, code: Code) -> *const c_char {
        let start = self.starts.get(code.position()).copied();
        let text = start.and_then(|start| self.joined.get(start..));
        text.map_or(c"".as_ptr(), |text| text.as_ptr().cast())
    }
}

const fn text_of(code: Code, is_name: bool) -> &'static str {
    if is_name { code.name() } else { code.message() }
}

const fn joined_len(is_name: bool) -> usize {
    let (mut len, mut at) = (0, 0);
    while at < Code::ALL.len() {
        len += text_of(Code::ALL[at], is_name).len() + 1;
        at += 1;
    }
    len
}
