//! What the models share: the runner, tasks to wake, messages that are counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::modelled;
pub(crate) use super::modelled::block_on;

/// Spoils memory that is freed: loom does not see a use of a ring after its
/// end, and with what lies there then it fails.
struct Spoiling;

#[global_allocator]
static ALLOCATOR: Spoiling = Spoiling;

// SAFETY: it hands everything on to the system's allocator, as it came.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Spoiling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that this needs.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller gives up this memory, which is as long as it says.
        unsafe { memory.write_bytes(0xA5, layout.size()) };
        // Or nobody would read what was written, and it would not be.
        std::hint::black_box(memory);
        // SAFETY: the caller's promises are those that this needs.
        unsafe { System.dealloc(memory, layout) };
    }
}

/// Explores every schedule of `f` with as many preemptions as the environment
/// says, and says how many there were.
pub(crate) fn model(f: impl Fn() + Send + Sync + 'static) {
    say(modelled::explore(modelled::preemptions(), f));
}

/// The same without a bound: for models of two threads.
pub(crate) fn model_unbounded(f: impl Fn() + Send + Sync + 'static) {
    say(modelled::explore(None, f));
}

fn say(iterations: u64) {
    println!("tidegate-model: iterations={iterations}");
}

/// Polls once, with a waker that nobody listens to.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A waker that counts. It synchronizes nothing.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Keeps the books of a model's messages, outside of what loom sees: each that
/// was made is dropped once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<BTreeMap<u32, usize>>>);

/// A message that is entered in a [`Ledger`].
#[derive(Debug)]
pub(crate) struct Message {
    id: u32,
    ledger: Ledger,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The message `id`: one for each number.
    pub(crate) fn message(&self, id: u32) -> Message {
        let twice = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, 0);
        assert_eq!(twice, None, "message {id} is made once");
        Message { id, ledger: self.clone() }
    }

    /// Says that all messages have been dropped by now, each once.
    pub(crate) fn close(&self) {
        let book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(book.values().all(|drops| *drops == 1), "dropped once each: {book:?}");
    }
}

impl Message {
    pub(crate) fn id(&self) -> u32 {
        self.id
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        let mut book = self.ledger.0.lock().unwrap_or_else(PoisonError::into_inner);
        let drops = book.entry(self.id).or_default();
        *drops += 1;
        let twice = *drops > 1;
        drop(book);
        assert!(!twice || std::thread::panicking(), "message {} was dropped twice", self.id);
    }
}
