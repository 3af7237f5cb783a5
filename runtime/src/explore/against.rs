//! An actor held against a model of it, in every order of its steps.
//!
//! A [`Model`] says what an actor should answer, one command after the other. What
//! [`Explorer::against`] explores is an actor to which some clients give commands
//! at the same time: whatever order that happens in, the answers have to be those
//! of the model for *some* order of the commands in which none is behind one that
//! was given after its answer. That is linearizability. It is what users of an
//! actor take for granted, since it lets them think of it as of a value behind a
//! lock; and for one client it is the answers of the model, exactly.
//!
//! With the feature `proptest` the commands can be generated: `commands` is a
//! strategy of proptest's, and what fails is made small by it.

#[cfg(feature = "proptest")]
mod generate;
mod history;
#[cfg(test)]
mod tests;

#[cfg(feature = "proptest")]
pub use self::generate::commands;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use self::history::{Call, History, explain};
use super::explorer::Explorer;
use super::report::Report;
use super::sim::Sim;

/// What an actor should do, without actors: a value, and what it answers.
///
/// Keep it so simple that it is plainly right. It is cloned and compared while
/// orders are tried, so it should be small as well.
///
/// ```
/// use std::collections::BTreeMap;
/// use tidegate::explore::against::Model;
///
/// #[derive(Clone, Debug)]
/// enum Command {
///     Set(u8, u8),
///     Get(u8),
/// }
///
/// #[derive(Clone, Default, PartialEq)]
/// struct Store(BTreeMap<u8, u8>);
///
/// impl Model for Store {
///     type Command = Command;
///     type Answer = Option<u8>;
///     fn apply(&mut self, command: &Command) -> Option<u8> {
///         match *command {
///             Command::Set(key, value) => self.0.insert(key, value),
///             Command::Get(key) => self.0.get(&key).copied(),
///         }
///     }
/// }
///
/// let mut store = Store::default();
/// assert_eq!(store.apply(&Command::Set(1, 2)), None);
/// assert_eq!(store.apply(&Command::Get(1)), Some(2));
/// ```
pub trait Model: Clone + PartialEq + Send + Sync + 'static {
    /// What it can be told to do.
    type Command: Clone + fmt::Debug + Send + Sync + 'static;
    /// What it says to that.
    type Answer: PartialEq + fmt::Debug + Send + 'static;

    /// Does what `command` says.
    fn apply(&mut self, command: &Self::Command) -> Self::Answer;
}

impl Explorer {
    /// Explores clients that give `commands` to what `start` starts, each list from
    /// one client, one command after the answer to the one before; and demands
    /// answers as `model` would give them: see [`against`](super::against).
    ///
    /// `start` is called once in each run, and `ask` for each command with what
    /// `start` has returned. A command that never is answered is a failure of the
    /// run, as it is in any other program.
    ///
    /// Orders grow with commands as with messages: six of them from two clients are
    /// plenty. What is reduced is reduced soundly: which command was answered
    /// before another was given counts as something that steps share.
    ///
    /// ```
    /// use tidegate::explore::against::Model;
    /// use tidegate::explore::{Explorer, Strategy};
    /// use tidegate::prelude::*;
    ///
    /// /// The model: a sum, as it was before.
    /// #[derive(Clone, Default, PartialEq)]
    /// struct Sum(u64);
    /// impl Model for Sum {
    ///     type Command = u64;
    ///     type Answer = u64;
    ///     fn apply(&mut self, n: &u64) -> u64 {
    ///         self.0 += n;
    ///         self.0 - n
    ///     }
    /// }
    ///
    /// enum Msg {
    ///     Get(Reply<u64>),
    ///     Set(u64),
    ///     Add(u64, Reply<u64>),
    /// }
    /// struct Counter(u64);
    /// impl Actor for Counter {
    ///     type Msg = Msg;
    ///     async fn handle(&mut self, msg: Msg, _: &mut Context<Self>) -> Result<(), Fault> {
    ///         match msg {
    ///             Msg::Get(reply) => drop(reply.send(self.0)),
    ///             Msg::Set(to) => self.0 = to,
    ///             Msg::Add(n, reply) => {
    ///                 let _ = reply.send(self.0);
    ///                 self.0 += n;
    ///             }
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let explorer = Explorer::new(Strategy::Reduced);
    /// let start = |sim: &tidegate::explore::Sim| sim.system().spawn(Counter(0), Push::bounded(4));
    /// let commands = [vec![1], vec![2]];
    ///
    /// let added = explorer.against(&Sum(0), &commands, start, |counter, n| async move {
    ///     counter.ask(|reply| Msg::Add(n, reply)).await.unwrap()
    /// });
    /// added.assert_clean();
    ///
    /// let lost = explorer.against(&Sum(0), &commands, start, |counter, n| async move {
    ///     let sum = counter.ask(Msg::Get).await.unwrap();
    ///     counter.tell(Msg::Set(sum + n)).await.unwrap();
    ///     sum
    /// });
    /// let failure = lost.finding.expect("both may add to 0").failure.to_string();
    /// assert!(failure.contains("no order of the commands gives these answers"), "{failure}");
    /// ```
    pub fn against<M, A, Fut>(
        &self,
        model: &M,
        commands: &[Vec<M::Command>],
        start: impl Fn(&Sim) -> A + Send + Sync + 'static,
        ask: impl Fn(A, M::Command) -> Fut + Send + Sync + 'static,
    ) -> Report
    where
        M: Model,
        A: Clone + Send + 'static,
        Fut: Future<Output = M::Answer> + Send + 'static,
    {
        let with = Arc::new((model.clone(), commands.to_vec(), start, ask));
        // Commands that were made up need not have what each fault is for.
        let this = self.clone().faults_optional();
        this.run(|sim| {
            let with = Arc::clone(&with);
            async move {
                let (model, commands, start, _) = &*with;
                let actor = start(&sim);
                let history = History::new();
                let clients: Vec<_> = (0..commands.len())
                    .map(|n| {
                        let (with, actor, history) = (Arc::clone(&with), actor.clone(), history.clone());
                        sim.spawn(&format!("client-{n}"), async move {
                            let (_, commands, _, ask) = &*with;
                            let mut calls = Vec::new();
                            for command in &commands[n] {
                                let given = history.given();
                                let answer = ask(actor.clone(), command.clone()).await;
                                calls.push(Call { given, answer, answered: history.answered() });
                            }
                            calls
                        })
                    })
                    .collect();
                let mut calls = Vec::new();
                for client in clients {
                    calls.push(client.await);
                }
                explain(model, commands, &calls)
            }
        })
    }
}
