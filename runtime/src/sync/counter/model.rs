use loom::thread;

use super::{Flag, Handles};
use crate::sync::modelling::{model, model_unbounded};
use crate::sync::shim::{Arc, AtomicUsize, Ordering::Relaxed, UnsafeCell};

/// Something that each holder of a handle touches for the last time, and that
/// whoever drops the last handle takes down.
struct Kept {
    handles: Handles,
    cells: [UnsafeCell<u32>; 2],
    taken_down: AtomicUsize,
}

impl Kept {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            handles: Handles::new(),
            cells: [UnsafeCell::new(0), UnsafeCell::new(0)],
            taken_down: AtomicUsize::new(0),
        })
    }

    fn leave(&self) {
        if self.handles.remove() {
            for cell in &self.cells {
                cell.with_mut(|_| {});
            }
            self.taken_down.fetch_add(1, Relaxed);
        }
    }
}

/// Two drop their handles at once: one of them is the last, and comes after
/// all that the other did. Three threads: the main one waits.
#[test]
fn the_last_handle_is_one() {
    model(|| {
        let kept = Kept::new();
        kept.handles.add();
        let holders = [0, 1].map(|n: usize| {
            let kept = Arc::clone(&kept);
            thread::spawn(move || {
                kept.cells[n].with_mut(|_| {});
                kept.leave();
            })
        });
        for holder in holders {
            holder.join().unwrap();
        }
        assert_eq!(kept.taken_down.load(Relaxed), 1, "taken down once");
    });
}

/// The last handle goes while a weak one asks for another: either it comes
/// too late, or it is the last in its turn. Two threads.
#[test]
fn a_weak_handle_never_revives_the_dead() {
    model_unbounded(|| {
        let kept = Kept::new();
        let holder = thread::spawn({
            let kept = Arc::clone(&kept);
            move || {
                kept.cells[0].with_mut(|_| {});
                kept.leave();
            }
        });
        if kept.handles.revive() {
            assert_eq!(kept.taken_down.load(Relaxed), 0, "revived while alive");
            kept.leave();
        }
        holder.join().unwrap();
        assert_eq!(kept.taken_down.load(Relaxed), 1, "taken down once");
        assert!(!kept.handles.revive(), "dead for good");
    });
}

/// What was done before a flag is raised is there for who sees it raised, and
/// of two that raise it one is the first. Three threads.
#[test]
fn a_raised_flag_carries_its_past() {
    model(|| {
        let shared = Arc::new((Flag::new(), UnsafeCell::new(0)));
        let raisers = [0, 1].map(|_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.0.raise())
        });
        let first = raisers.map(|raiser| raiser.join().unwrap()).into_iter().filter(|first| *first).count();
        assert_eq!(first, 1);

        shared.0.lower();
        let raiser = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                shared.1.with_mut(|_| {});
                shared.0.raise();
            }
        });
        if shared.0.is_raised() {
            shared.1.with(|_| {});
        }
        raiser.join().unwrap();
    });
}
