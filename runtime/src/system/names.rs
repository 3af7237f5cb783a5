//! Actors by name.
//!
//! A name belongs to one living actor at a time, and says what messages it
//! takes: a look-up with another type is an error and not a mix-up. It goes
//! when the actor ends, so whoever finds an actor finds one that had not ended
//! a moment ago; a restart is no end, and keeps the name.

use std::any::{Any, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use super::System;
use super::board::{Board, ChangeSubscription};
use crate::actor::{Actor, ActorId, ActorPath, ActorRef, Context, Life};

/// An actor and the name by which it is, or was, found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Named {
    /// The name.
    pub name: Arc<str>,
    /// Whose.
    pub id: ActorId,
    /// Where it is.
    pub path: ActorPath,
}

/// A name has come or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameEvent {
    /// From now on the actor is found by this name.
    Registered(Named),
    /// No longer: it has ended, or given the name up.
    Ended(Named),
}

/// The names of a system.
pub(super) type Names = Board<Book, NameEvent>;

#[derive(Default)]
pub(super) struct Book {
    entries: BTreeMap<Arc<str>, Entry>,
    next: u64,
}

struct Entry {
    /// Which registration this is: a name may be given up and taken again.
    key: u64,
    named: Named,
    life: Arc<Life>,
    /// By which its life knows that it is to tell of its end.
    watch: Option<u64>,
    /// An `ActorRef` of messages of the type named below.
    actor: Box<dyn Any + Send + Sync>,
    message_type: &'static str,
}

impl Book {
    /// The entry with this name, if its actor lives.
    fn find(&self, name: &str) -> Option<&Entry> {
        // Seen as gone from the moment it has ended, whoever hears of it first.
        self.entries.get(name).filter(|entry| entry.life.ended().is_none())
    }

    fn events(&self) -> Vec<NameEvent> {
        self.entries.values().map(|entry| NameEvent::Registered(entry.named.clone())).collect()
    }
}

fn remove(names: &Names, name: &str, key: u64) {
    let entry = names.change(|book, events| {
        if book.entries.get(name)?.key != key {
            return None;
        }
        let entry = book.entries.remove(name)?;
        events.push(NameEvent::Ended(entry.named.clone()));
        Some(entry)
    });
    if let Some((entry, watch)) = entry.and_then(|entry| entry.watch.map(|watch| (entry, watch))) {
        entry.life.unwatch(watch);
    }
}

/// The name has been given to another actor, which has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NameTaken {
    /// The name.
    pub name: Arc<str>,
    /// Whose it is.
    pub by: ActorPath,
}

impl fmt::Display for NameTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name `{}` is taken by {}", self.name, self.by)
    }
}

impl std::error::Error for NameTaken {}

/// Why no actor was found by a name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LookupError {
    /// No living actor has it.
    Unknown,
    /// The actor takes other messages.
    OtherType {
        /// The type of message that was asked for.
        expected: &'static str,
        /// The type that the actor takes.
        found: &'static str,
    },
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no living actor has this name"),
            Self::OtherType { expected, found } => {
                write!(f, "the actor of this name takes messages of type `{found}`, not `{expected}`")
            }
        }
    }
}

impl std::error::Error for LookupError {}

/// A name that an actor has. Dropping it gives the name up.
#[must_use = "dropping this gives the name up; `until_stopped` keeps it"]
pub struct Registration {
    names: Weak<Names>,
    name: Arc<str>,
    key: u64,
}

impl Registration {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Keeps the name until the actor ends.
    pub fn until_stopped(mut self) {
        self.names = Weak::new();
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(names) = self.names.upgrade() {
            remove(&names, &self.name, self.key);
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("name", &self.name).finish_non_exhaustive()
    }
}

impl System {
    /// Gives `actor` a name by which it is [found](Self::lookup), until it
    /// ends or the registration is dropped. A restart keeps it. An actor may
    /// have several names.
    ///
    /// The registration of an actor that has ended is over at once.
    ///
    /// # Errors
    /// [`NameTaken`] if a living actor has the name.
    /// # Examples
    /// ```
    /// # use tidegate::prelude::*;
    /// use tidegate::LookupError;
    /// # struct Log; impl Actor for Log { type Msg = String;
    /// # async fn handle(&mut self, _: String, _: &mut Context<Self>) -> Result<(), Fault> { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let system = System::new();
    /// let log = system.spawn(Log, Push::bounded(64));
    /// let registration = system.register("log", &log).unwrap();
    ///
    /// let found = system.lookup::<String>("log").unwrap();
    /// assert_eq!(found, log);
    /// assert!(matches!(system.lookup::<u64>("log"), Err(LookupError::OtherType { .. })));
    ///
    /// drop(registration);
    /// assert_eq!(system.lookup::<String>("log"), Err(LookupError::Unknown));
    /// # }
    /// ```
    pub fn register<M: Send + 'static>(
        &self,
        name: impl Into<Arc<str>>,
        actor: &ActorRef<M>,
    ) -> Result<Registration, NameTaken> {
        let name = name.into();
        let entry = |key| Entry {
            key,
            named: Named { name: Arc::clone(&name), id: actor.id(), path: actor.path().clone() },
            life: Arc::clone(actor.life()),
            watch: None,
            actor: Box::new(actor.clone()),
            message_type: type_name::<M>(),
        };
        let names = &self.roots.names;
        let (key, replaced) = names.change(|book, events| {
            if let Some(other) = book.find(&name) {
                return Err(NameTaken { name: Arc::clone(&name), by: other.named.path.clone() });
            }
            book.next += 1;
            let entry = entry(book.next);
            let named = entry.named.clone();
            // One that has ended, and is about to be removed.
            let replaced = book.entries.insert(Arc::clone(&name), entry);
            events.extend(replaced.iter().map(|entry| NameEvent::Ended(entry.named.clone())));
            events.push(NameEvent::Registered(named));
            Ok((book.next, replaced))
        })?;
        drop(replaced);
        let (at_end, its_name) = (Arc::downgrade(names), Arc::clone(&name));
        let watch = actor.life().watch(Box::new(move |_| {
            if let Some(names) = at_end.upgrade() {
                remove(&names, &its_name, key);
            }
        }));
        names.change(|book, _| {
            if let Some(entry) = book.entries.get_mut(&name).filter(|entry| entry.key == key) {
                entry.watch = watch;
            }
        });
        Ok(Registration { names: Arc::downgrade(names), name, key })
    }

    /// The living actor with this name.
    ///
    /// # Errors
    /// [`LookupError`] if there is none, or it takes messages of another type.
    pub fn lookup<M: Send + 'static>(&self, name: &str) -> Result<ActorRef<M>, LookupError> {
        self.roots.names.read(|book| {
            let entry = book.find(name).ok_or(LookupError::Unknown)?;
            entry
                .actor
                .downcast_ref::<ActorRef<M>>()
                .cloned()
                .ok_or(LookupError::OtherType { expected: type_name::<M>(), found: entry.message_type })
        })
    }

    /// All names of living actors, in alphabetical order.
    #[must_use]
    pub fn names(&self) -> Vec<Named> {
        let living = |entry: &&Entry| entry.life.ended().is_none();
        self.roots.names.read(|book| book.entries.values().filter(living).map(|entry| entry.named.clone()).collect())
    }

    /// Calls `listener` with every name that is registered now, and with every
    /// change from now on, until what this returns is dropped. No change is
    /// missed in between, none is told twice, and all are told in order.
    ///
    /// It is called where the change is made, or where one before it is still
    /// being told: it should be quick. It may register names itself. If it
    /// panics, that goes no further. For an actor, see [`Context::watch_names`].
    pub fn watch_names(&self, listener: impl Fn(&NameEvent) + Send + Sync + 'static) -> ChangeSubscription {
        ChangeSubscription::new(&self.roots.names, listener, Book::events)
    }
}

impl<A: Actor> Context<A> {
    /// Sends this actor a message for every name that is registered now, and
    /// for every change from now on, until what this returns is dropped: keep
    /// it in the actor, and it ends with the actor's life. No change is missed
    /// in between.
    ///
    /// The messages come past the mailbox's bound, ahead of what is queued.
    ///
    /// ```
    /// use tidegate::prelude::*;
    /// use tidegate::{ChangeSubscription, NameEvent};
    ///
    /// #[derive(Default)]
    /// struct Directory { names: Vec<String>, watch: Option<ChangeSubscription> }
    ///
    /// impl Actor for Directory {
    ///     type Msg = NameEvent;
    ///     async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
    ///         self.watch = Some(cx.watch_names(|event| event));
    ///         Ok(())
    ///     }
    ///     async fn handle(&mut self, event: NameEvent, _: &mut Context<Self>) -> Result<(), Fault> {
    ///         if let NameEvent::Registered(named) = event {
    ///             self.names.push(named.name.to_string());
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// # let executor = tidegate::ManualExecutor::new();
    /// # let system = System::with_executor(executor.clone());
    /// # let directory = system.build(Directory::default).registered("directory").spawn();
    /// # executor.run_until_idle();
    /// # assert_eq!(directory.stats().handled, 1);
    /// ```
    pub fn watch_names(&self, message: impl Fn(NameEvent) -> A::Msg + Send + Sync + 'static) -> ChangeSubscription {
        let me = self.me();
        self.system().watch_names(move |event| {
            // A watcher that has gone itself need not know.
            let _ = me.post(message(event.clone()));
        })
    }
}
