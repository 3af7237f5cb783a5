//! The recorder of a thread, and what it is told.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll};

use super::super::planted;
use super::{Access, living};

/// The name of an object: the task that made it, and its number there. Zero
/// for what nobody explores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectId(pub(crate) u64);

impl ObjectId {
    /// The place of a step among all others: to the reduction, who touches it changes
    /// places with nobody.
    pub(crate) const PLACE: Self = Self(u64::MAX - 1);
}

/// An object was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Touch {
    pub(crate) object: ObjectId,
    pub(crate) access: Access,
}

impl Touch {
    /// Whether the order of two steps that touch so matters.
    pub(crate) fn conflicts(self, other: Self) -> bool {
        self.object == other.object
            && (self.access == Access::Write || other.access == Access::Write || self.access != other.access)
    }
}

/// What is worth telling people about a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(dead_code)]
pub(crate) enum Note {
    /// There is an object of this kind.
    Made { object: ObjectId, kind: &'static str },
    /// What people call it.
    Named { object: ObjectId, name: String },
    /// A message was accepted.
    Sent { to: ObjectId, what: String },
    /// A message was not accepted, or dropped.
    Refused { to: ObjectId, what: String, why: String },
    /// A message was taken from a mailbox.
    Taken { at: ObjectId, what: String },
    /// A question was answered.
    Answered { slot: ObjectId, what: String },
    /// Who asked does not wait for the answer any more.
    Left { slot: ObjectId },
    /// Somebody waits for room, an answer, demand.
    Waits { on: ObjectId, what: String },
    /// Anything else.
    Said(String),
}

struct Recorder {
    /// A program is explored on this thread, and one of its tasks runs, or
    /// what is asked between its steps.
    on: Cell<bool>,
    /// Touches are noted.
    touching: Cell<bool>,
    /// Notes are taken.
    telling: Cell<bool>,
    /// From which touch on they are those of a look that found nothing, after
    /// which nothing was done: [`Look::waits`].
    resting: Cell<usize>,
    /// How many touches are of looks that found nothing and that the task repeats
    /// when it is woken: with no more than those the step has not begun yet.
    /// [`usize::MAX`] if it has spawned or chosen.
    begun: Cell<usize>,
    /// A future was looked at in this step and was not ready: [`Look::waits`].
    waited: Cell<bool>,
    /// The step has done what others can see.
    acted: Cell<bool>,
    /// Looks in vain are noted as all others are.
    counting: Cell<bool>,
    /// What handles a message takes time before it does: see [`takes_time`].
    slow: Cell<bool>,
    task: Cell<u32>,
    /// How many objects the task has made.
    made: Cell<u32>,
}

pub(super) const TASK_BITS: u32 = 24;

thread_local! {
    static RECORDER: Recorder = const { Recorder {
        on: Cell::new(false),
        touching: Cell::new(false),
        telling: Cell::new(false),
        resting: Cell::new(usize::MAX),
        begun: Cell::new(0),
        waited: Cell::new(false),
        acted: Cell::new(false),
        counting: Cell::new(false),
        slow: Cell::new(false),
        task: Cell::new(0),
        made: Cell::new(0),
    } };
    static TOUCHED: RefCell<Vec<Touch>> = const { RefCell::new(Vec::new()) };
    static NOTES: RefCell<Vec<Note>> = const { RefCell::new(Vec::new()) };
}

/// The identity of a shared thing.
#[derive(Debug)]
pub(crate) struct Object(ObjectId);

impl Object {
    /// `kind` is for people: "mailbox", "reply".
    pub(crate) fn new(kind: &'static str) -> Self {
        let id = new_id();
        if id != ObjectId(0) {
            living::begin(id, kind);
            note(|| Note::Made { object: id, kind });
        }
        Self(id)
    }

    /// One that is never touched.
    pub(crate) const fn none() -> Self {
        Self(ObjectId(0))
    }

    pub(crate) fn id(&self) -> ObjectId {
        self.0
    }

    #[inline]
    pub(crate) fn touch(&self, access: Access) {
        #[cfg(test)]
        super::super::audit::touched(std::ptr::from_ref(self) as usize, self.0, access);
        touch(self.0, access);
    }

    /// Says what people call it.
    pub(crate) fn name(&self, name: impl Fn() -> String) {
        living::name(self.0, &name);
        note(|| Note::Named { object: self.0, name: name() });
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if self.0 != ObjectId(0) {
            living::end(self.0);
        }
    }
}

impl Default for Object {
    fn default() -> Self {
        Self::new("lock")
    }
}

/// A number that no other thing of this task has: the same in every order.
pub(crate) fn new_id() -> ObjectId {
    RECORDER.with(|r| {
        if !r.on.get() {
            return ObjectId(0);
        }
        let n = r.made.get() + 1;
        r.made.set(n);
        if let Some(number) = planted::next_number() {
            return ObjectId(number);
        }
        ObjectId(u64::from(r.task.get()) << TASK_BITS | u64::from(n))
    })
}

#[inline]
pub(crate) fn touch(object: ObjectId, access: Access) {
    if object == ObjectId(0) {
        return;
    }
    RECORDER.with(|r| {
        if r.touching.get() {
            r.resting.set(usize::MAX);
            record(Touch { object, access });
        }
    });
}

/// What is touched from here on belongs to one look for something that may
/// not be there yet.
#[inline]
pub(crate) fn look() -> Look {
    let (touched, is_first) = RECORDER.with(|r| {
        if !r.touching.get() {
            return (usize::MAX, false);
        }
        let (touched, begun) = (TOUCHED.with_borrow(Vec::len), r.begun.get());
        // One that rests since then has found nothing, as this one may.
        if r.resting.get() == begun { (begun, true) } else { (touched, touched == begun) }
    });
    Look {
        touched,
        is_first,
        waited: RECORDER.with(|r| r.waited.get()),
        #[cfg(test)]
        audited: super::super::audit::mark(),
    }
}

/// See [`look`].
#[must_use]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    touched: usize,
    /// Nothing was done before it in this step.
    is_first: bool,
    /// Something else was looked at in vain before it.
    waited: bool,
    #[cfg(test)]
    audited: usize,
}

impl Look {
    /// There was nothing, and whoever brings it wakes the one who looked. If
    /// the step ends so, and nothing else was done in it, then it was none:
    /// had what it looked for been there, the step would have gone on just as
    /// the next one will. So what it read is forgotten.
    ///
    /// Not so where the step had done something before: gone on, it would have
    /// let nobody come in between. And not where it has looked at two things in
    /// vain: who asks one and then waits for the other may remember that the one
    /// was not ready, or ask them in another order the next time.
    #[inline]
    pub(crate) fn waits(self) {
        if self.is_first {
            self.waits_even_so();
        } else {
            RECORDER.with(|r| r.waited.set(true));
        }
    }

    /// All that was looked at in vain since then is one thing: whoever brings any of
    /// it wakes, and finds the same in whatever order it is asked.
    #[inline]
    pub(crate) fn as_one(self) -> Self {
        RECORDER.with(|r| r.waited.set(self.waited));
        self
    }

    /// As [`waits`](Self::waits), also where something was done before: had what it
    /// looked for been there, the step would have ended here all the same.
    #[inline]
    pub(crate) fn waits_even_so(self) {
        if RECORDER.with(|r| r.waited.replace(true)) {
            goes_on();
        } else {
            self.sleeps();
        }
    }

    /// An actor falls asleep, which does nothing else with what it has seen: what
    /// comes wakes it, and would have ended the step before this.
    #[inline]
    pub(crate) fn sleeps(self) {
        RECORDER.with(|r| {
            if r.touching.get() {
                r.resting.set(self.touched);
            }
        });
        // Falling asleep is nothing to anybody.
        #[cfg(test)]
        super::super::audit::forget(self.audited);
    }

    /// There was nothing, and the task looks again whenever it is woken; or what was
    /// there stays as it is. If nothing was done before, then it might as well be
    /// looked at later: the step has not begun yet.
    #[inline]
    pub(crate) fn repeats(self) {
        RECORDER.with(|r| {
            if r.touching.get() && self.is_first && r.begun.get() != usize::MAX {
                r.begun.set(TOUCHED.with_borrow(Vec::len));
            }
        });
    }

    /// What was seen makes no difference to anybody.
    #[inline]
    pub(crate) fn is_nothing(self) {
        RECORDER.with(|r| {
            if r.touching.get() {
                TOUCHED.with_borrow_mut(|touched| touched.truncate(self.touched));
            }
        });
        #[cfg(test)]
        super::super::audit::forget(self.audited);
    }
}

/// Looks without a touch, and without an end to a [wait](Look::waits), for
/// something that wakes the one who looks: if it is there it is touched
/// afterwards.
#[inline]
pub(crate) fn unseen<R>(look: impl FnOnce() -> R) -> R {
    let touching = RECORDER.with(|r| r.touching.replace(false));
    #[cfg(test)]
    let auditing = super::super::audit::set(false);
    let seen = look();
    RECORDER.with(|r| r.touching.set(touching));
    #[cfg(test)]
    super::super::audit::set(auditing);
    seen
}

/// The step does what cannot be seen by a touch, and may depend on what it
/// saw before: spawns, chooses.
#[inline]
pub(crate) fn goes_on() {
    RECORDER.with(|r| {
        r.resting.set(usize::MAX);
        r.begun.set(usize::MAX);
    });
}

/// Whether this step has done what others can see.
#[inline]
pub(crate) fn has_acted() -> bool {
    RECORDER.with(|r| r.on.get() && r.acted.get())
}

fn record(touch: Touch) {
    TOUCHED.with_borrow_mut(|touched| {
        if let Some(last) = touched.last_mut()
            && last.object == touch.object
            && (last.access == touch.access || last.access == Access::Write)
        {
            return;
        }
        touched.push(touch);
    });
}

/// Tells people something about this step, if anybody listens.
#[inline]
pub(crate) fn note(note: impl FnOnce() -> Note) {
    if is_telling() {
        let note = note();
        NOTES.with_borrow_mut(|notes| notes.push(note));
    }
}

pub(crate) fn note_answer(slot: &Object, what: impl FnOnce() -> String) {
    note(|| Note::Answered { slot: slot.id(), what: what() });
}

pub(crate) fn note_left(slot: &Object) {
    note(|| Note::Left { slot: slot.id() });
}

pub(crate) fn note_wait(on: &Object, what: &str) {
    note(|| Note::Waits { on: on.id(), what: what.to_owned() });
}

/// Whether notes are taken.
#[inline]
pub(crate) fn is_telling() -> bool {
    RECORDER.with(|r| r.telling.get())
}

/// Whether a step of an explored program goes on, on this thread.
#[inline]
pub(crate) fn is_exploring() -> bool {
    // Asked by wakers too, from threads that are being torn down.
    RECORDER.try_with(|r| r.on.get()).unwrap_or(false)
}

/// Whether the clock may move between the taking of a message and what its handler
/// does.
#[inline]
pub(crate) fn takes_time() -> bool {
    RECORDER.with(|r| r.on.get() && r.slow.get())
}

/// Says so for the runs that come.
pub(crate) fn let_take_time(slow: bool) {
    RECORDER.with(|r| r.slow.set(slow));
}

/// From now on every step counts, also one that finds nothing; or no more.
pub(crate) fn count_steps(counting: bool) {
    RECORDER.with(|r| r.counting.set(counting));
}

/// The task whose step goes on.
pub(crate) fn present_task() -> u32 {
    RECORDER.with(|r| r.task.get())
}

/// This step does what others can see: no more than one such thing to a step
/// where it can be helped.
#[inline]
pub(crate) fn act() {
    RECORDER.with(|r| r.acted.set(true));
}

/// As [`act`]; but if this step has acted, it ends here, and the task is
/// woken to go on in another.
#[inline]
pub(crate) fn pass(cx: &mut Context<'_>) -> Poll<()> {
    RECORDER.with(|r| {
        if r.on.get() && r.acted.replace(true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
}

/// What is recorded, of which task, from now on; `made` is what
/// [`end_step`] said of it last.
pub(crate) fn begin_step(task: u32, made: u32, touching: bool, telling: bool) {
    RECORDER.with(|r| {
        r.on.set(true);
        #[cfg(test)]
        super::super::audit::begin_step();
        r.touching.set(touching);
        r.telling.set(telling);
        r.acted.set(false);
        r.begun.set(0);
        r.waited.set(false);
        r.resting.set(usize::MAX);
        r.task.set(task);
        r.made.set(made);
    });
}

/// Ends what [`begin_step`] began: adds what was recorded to what is there,
/// and returns how many objects the task has made. The task `sleeps` if it
/// waits to be woken.
pub(crate) fn end_step(touches: &mut Vec<Touch>, notes: &mut Vec<Note>, sleeps: bool) -> u32 {
    RECORDER.with(|r| {
        r.on.set(false);
        #[cfg(test)]
        super::super::audit::end_step();
        if r.touching.replace(false) {
            TOUCHED.with_borrow_mut(|touched| {
                let from = r.resting.get();
                if sleeps && from < touched.len() && !r.counting.get() {
                    let mut at = 0;
                    touched.retain(|touch| {
                        at += 1;
                        at <= from || touch.access != Access::Read
                    });
                }
                touches.append(touched);
            });
        }
        if r.telling.replace(false) {
            NOTES.with_borrow_mut(|taken| notes.append(taken));
        }
        r.made.get()
    })
}
