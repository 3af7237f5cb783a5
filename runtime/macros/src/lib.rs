//! The macros of tidegate: `#[actor]`, as `tidegate::actor`, and `#[explore_test]`, as
//! `tidegate::explore_test`, which is in the module of its name.
//!
//! `#[actor]` on an impl block adds four items to it. From
//!
//! ```text
//! #[actor]
//! impl Counter {
//!     #[message] async fn add(&mut self, n: u64) { self.total += n }
//!     #[message] async fn total(&self) -> u64 { self.total }
//! }
//! ```
//!
//! it writes, with every path spelled out (`::core::result::Result`, `::tidegate::Reply`):
//!
//! ```text
//! impl Counter { /* the block itself, without the markers */ }
//!
//! pub enum CounterMsg {
//!     Add { n: u64 },
//!     Total { reply: Reply<u64> },
//! }
//!
//! impl Actor for Counter {
//!     type Msg = CounterMsg;
//!     async fn handle(&mut self, msg: CounterMsg, cx: &mut Context<Self>) -> Result<(), Fault> {
//!         match msg {
//!             CounterMsg::Add { n } => { Self::add(self, n).await; Ok(()) }
//!             CounterMsg::Total { reply } => {
//!                 let value = Self::total(self).await;
//!                 let _ = reply.send(value);
//!                 Ok(())
//!             }
//!         }
//!     }
//! }
//!
//! trait CounterRef: Borrow<ActorRef<CounterMsg>> {
//!     fn add(&self, n: u64) -> impl Future<Output = Result<Admission, SendError<CounterMsg>>> + Send;
//!     fn try_add(&self, n: u64) -> Result<Admission, SendError<CounterMsg>>;
//!     fn total(&self) -> impl Future<Output = Result<u64, AskError<CounterMsg>>> + Send;
//! }
//!
//! impl CounterRef for ActorRef<CounterMsg> { /* tell, try_tell, ask */ }
//! ```
//!
//! The steps are the modules: `parse` reads the block into a model, `check` holds the rules that
//! the model must keep, `expand` prints the items; `types` is what all three ask about types.
//! Rules never stop at the first offence: each is collected, and the user sees them all at once,
//! each under the token it is about. What is sound is written even then, so that one broken
//! message costs one error, and an editor still knows the others.

mod check;
mod expand;
mod explore_test;
mod parse;
#[cfg(test)]
mod tests;
mod types;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// Makes an actor of a type: its messages are the marked methods of this impl block.
///
/// ```text
/// use tidegate::{ActorRef, Context, Fault, Push, StopReason, System, actor};
///
/// #[derive(Default)]
/// pub struct Counter { total: u64 }
///
/// #[actor]
/// impl Counter {
///     /// Adds `n`.
///     #[message]
///     pub async fn add(&mut self, n: u64) { self.total += n }
///
///     /// Answers with the total so far.
///     #[message]
///     pub async fn total(&self) -> u64 { self.total }
///
///     #[started]
///     async fn begin(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> { Ok(()) }
///
///     #[stopped]
///     async fn end(&mut self, reason: &StopReason) {}
///
///     fn helper(&self) {}          // unmarked: an ordinary method
/// }
///
/// let counter = System::new().spawn(Counter::default(), Push::bounded(64));
/// counter.add(2).await?;                   // waits for room
/// counter.try_add(2)?;                     // never waits
/// assert_eq!(counter.total().await?, 4);
/// ```
///
/// # What it writes
///
/// - `enum CounterMsg` with a variant for each message, named after the method (`add_all`
///   becomes `AddAll`), with the arguments as named fields and, in a message that is answered,
///   a field `reply: Reply<T>`.
/// - `impl Actor for Counter`, whose `handle` calls the methods, and whose `expired` says which
///   messages come too late.
/// - `trait CounterRef` with a method for each message, implemented by `ActorRef<CounterMsg>`
///   and not meant to be implemented by anything else. Import the trait where the actor is
///   used from another module. A message that is told gives two methods, `add` and `try_add`
///   (the second only if no other message has that name); one that is asked gives one.
/// - The impl block itself, unchanged but for the markers. The methods can still be called
///   directly, which is how to test them without a runtime.
///
/// Doc comments, `#[cfg(..)]` and `#[deprecated]` of a method carry over to what is written for
/// it; `#[allow(..)]`, `#[tracing::instrument]` and all others stay on the method. An attribute
/// of an argument moves to the field, so `#[serde(default)] n: u64` works together with
/// `derive(serde::Deserialize)`; only lint attributes stay.
///
/// # Messages
///
/// What a `#[message]` method returns says what kind of message it is.
///
/// | returns | message | on the `ActorRef` |
/// |---|---|---|
/// | nothing | told | `Result<Admission, SendError<Msg>>` |
/// | `Result<(), Fault>` | told; an error is the supervisor's business | the same |
/// | `T`, also `Result<T, E>` | asked, answered with exactly that | `Result<T, AskError<Msg>>` |
/// | `Result<T, Fault>` | asked, answered with `T`; on an error nobody is answered, and the error goes to the supervisor | `Result<T, AskError<Msg>>` |
///
/// - `async` or not; `&self` or `&mut self`. A method that is both `async` and `&self` needs
///   an actor that is `Sync`, because it holds a shared reference across its awaits.
/// - Arguments own their data and have plain names. One argument of type `&mut Context<Self>`,
///   in any place, is the actor's context and is not part of the message.
/// - A message that is answered is not handled if nobody waits for the answer any more, because
///   the asker has timed out or was dropped; nor is a message with an argument of type `Deadline`
///   that is past. It goes to the dead letters, as expired.
/// - `Context`, `Deadline`, `Fault`, `StopReason` and `Result` are recognised by the last segment of their
///   path, so a type alias is not.
/// - No message can be named like a method of `ActorRef` (`stop`, `len`, `map`), which would
///   hide it, and no argument of a message that is answered can be named `reply`.
///
/// # Hooks
///
/// One method may be marked `#[started]`: it takes at most the context and returns nothing or
/// `Result<(), Fault>`. One may be marked `#[stopped]`: it takes at most a `&StopReason` and
/// the context, and returns nothing. One may be marked `#[terminated]`: it is called when an actor
/// watched with `Context::watch` has ended, takes at most a `Terminated` and the context, and
/// returns nothing or `Result<(), Fault>`. All may be `async`.
///
/// # Options
///
/// `#[actor(msg = Command, api = Commands, crate = my::tidegate, derive(Debug, Clone))]`
///
/// - `msg`, `api`: other names for the enum and the trait.
/// - `crate`: where to find tidegate, if not at `::tidegate`.
/// - `derive(..)`: traits to derive for the enum. A message with a `Reply` can derive only what
///   `Reply` has.
///
/// # Visibility
///
/// The trait is as visible as the most visible message: `pub` if a message is `pub`, and
/// private to the module if all are private. The enum is always `pub`, because `Actor::Msg`
/// must be as visible as the actor and an attribute on the impl block cannot see how visible
/// that is. Messages that are not `pub` are left out of the documentation, and so is the enum
/// if none is.
///
/// # Generics
///
/// Type and const parameters of the impl block are supported. The enum and the trait take
/// those that occur in a message, in the order of the impl block, with the bounds that speak
/// of them alone. Lifetime parameters are not supported: an actor owns its state.
///
/// # Errors
///
/// All offences against these rules are reported in one compilation. A message whose data is
/// not `Send + 'static`, or a method that holds something that is not `Send` across an await,
/// is reported by the compiler.
#[proc_macro_attribute]
pub fn actor(options: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    actor_tokens(options.into(), &item.into()).into()
}

/// A test of a program made of actors, in every order in which its parts can run, and on tokio.
///
/// ```text
/// use tidegate::explore::Sim;
/// use tidegate::prelude::*;
///
/// #[tidegate::explore_test(schedules = 10_000)]
/// async fn nothing_is_lost(sim: Sim) {
///     let counter = sim.system().spawn(Counter::default(), Push::bounded(4));
///     let clients = ["a", "b"].map(|name| {
///         let counter = counter.clone();
///         sim.spawn(name, async move { counter.add(1).await })
///     });
///     for client in clients {
///         client.await.unwrap();
///     }
///     assert_eq!(counter.total().await.unwrap(), 2);
/// }
/// ```
///
/// # What it writes
///
/// The function as it is, and a module of its name with two tests. `explored` runs the body again
/// and again in different orders, and fails unless all of what was to be looked at was looked at
/// and nothing was wrong. `on_tokio` runs the same body on tokio's threads, without faults and
/// without asking for what `sometimes` names, each run for 30 seconds at most; it is there if
/// tidegate's feature `tokio` is.
///
/// The body is `async`, takes a `Sim` and returns `()` or a `Result` whose error is `Debug`. It
/// has to be `Send`. `#[ignore]` applies to both tests; with `#[should_panic]` there is only
/// `explored`.
///
/// # Options
///
/// - `strategy = ..`: a value of `tidegate::explore::Strategy`, also without `Strategy::`.
/// - `delays = n`: short for `strategy = Delays(n)`.
/// - `schedules = n`, `seconds = n`: the budget. A test that uses it up fails.
/// - `steps = n`, `seed = n`, `faults = ..`: as the methods of `Explorer`.
/// - `on_tokio = n`: how often the body runs on tokio; 10 unless it is said.
/// - `with = |explorer| ..`: a function that sets anything else and returns the explorer.
/// - `crate = path`: where to find tidegate, if not at `::tidegate`.
///
/// # Environment
///
/// `TIDEGATE_REPLAY=0.1.2` has `explored` run that one schedule, as a failure says;
/// `TIDEGATE_SEED` and `TIDEGATE_SECONDS` stand in for the options, and `TIDEGATE_SCHEDULES` for
/// the budget and for how many orders `Random` and `Pct` run.
#[proc_macro_attribute]
pub fn explore_test(options: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    explore_test::tokens(options.into(), &item.into()).into()
}

/// The whole macro on `proc_macro2` tokens, which exist in unit tests too.
fn actor_tokens(options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = check::Errors::default();
    let options = parse::Options::parse(options, &mut errors);
    let items = match syn::parse2::<syn::Item>(item.clone()) {
        Ok(syn::Item::Impl(block)) => match parse::actor(options, block, &mut errors) {
            (block, Some(mut actor)) => {
                check::actor(&mut actor, &mut errors);
                expand::actor(&block, &actor)
            }
            (block, None) => block.into_token_stream(),
        },
        Ok(other) => {
            errors.at(
                &other,
                "`#[actor]` goes on an impl block\n\
                 help: write the messages as methods in `impl Counter { .. }` and mark that",
            );
            item.clone()
        }
        Err(error) => {
            errors.push(error);
            item.clone()
        }
    };
    let errors = errors.finish().map(syn::Error::into_compile_error);
    quote!(#errors #items)
}
