//! Every kind of message and both hooks, used as in the documentation of the macro.
#![deny(warnings, missing_docs, unreachable_pub, unused, private_interfaces, rust_2018_idioms)]

use tidegate::{Admission, Context, Fault, Push, StopReason, System, actor};

#[derive(Default)]
struct Counter {
    total: u64,
    begun: bool,
}

#[actor]
impl Counter {
    /// Adds `n`.
    #[message]
    async fn add(&mut self, n: u64) {
        self.total += n;
    }

    #[message]
    async fn total(&self) -> u64 {
        self.total
    }

    #[message]
    fn reset(&mut self) {
        self.total = 0;
    }

    #[message]
    fn begun(&self) -> bool {
        self.begun
    }

    /// The context may stand anywhere; a fault is the supervisor's business.
    #[message]
    async fn add_later(&mut self, cx: &mut Context<Self>, mut n: u64) -> Result<(), Fault> {
        n += 1;
        cx.me().try_add(n).map_err(|_| Fault::msg("no room"))?;
        Ok(())
    }

    /// The sender gets the result.
    #[message]
    fn checked_sub(&mut self, n: u64) -> Result<u64, String> {
        self.total = self.total.checked_sub(n).ok_or("too much")?;
        Ok(self.total)
    }

    /// The sender gets the value, the supervisor the fault.
    #[message]
    async fn parse(&mut self, text: String) -> Result<u64, Fault> {
        self.total = text.parse()?;
        Ok(self.total)
    }

    #[message]
    fn merge(&mut self, other: Self, names: Vec<&'static str>) -> Option<Self> {
        self.total += other.total;
        names.is_empty().then_some(other)
    }

    #[started]
    async fn begin(&mut self, _: &mut Context<Self>) -> Result<(), Fault> {
        self.begun = true;
        self.helper();
        Ok(())
    }

    #[stopped]
    fn end(&mut self, reason: &StopReason) {
        let _ = reason;
    }

    fn helper(&self) {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let counter = System::new().spawn(Counter::default(), Push::bounded(8));
    let admission: Admission = counter.add(2).await.expect("room");
    assert_eq!(admission, Admission::Queued);
    counter.try_add(3).expect("room");
    assert_eq!(counter.total().await.expect("an answer"), 5);
    assert!(counter.begun().await.expect("an answer"));

    counter.add_later(1).await.expect("room");
    counter.try_add_later(1).expect("room");
    // The first answer comes after both, the second after what they sent.
    counter.total().await.expect("an answer");
    assert_eq!(counter.total().await.expect("an answer"), 9);

    assert_eq!(counter.checked_sub(1).await.expect("an answer"), Ok(8));
    assert_eq!(counter.checked_sub(100).await.expect("an answer"), Err("too much".to_owned()));
    assert_eq!(counter.parse("70".to_owned()).await.expect("an answer"), 70);

    let other = Counter { total: 7, begun: false };
    let back = counter.merge(other, vec!["a"]).await.expect("an answer");
    assert!(back.is_none());
    counter.reset().await.expect("room");
    assert_eq!(counter.total().await.expect("an answer"), 0);

    // The message is an ordinary enum, and the methods are ordinary methods.
    let message = CounterMsg::Add { n: 3 };
    assert!(matches!(message, CounterMsg::Add { n: 3 }));
    assert_eq!(counter.tell(CounterMsg::Reset).await.expect("room"), Admission::Queued);
    let mut plain = Counter::default();
    plain.add(4).await;
    assert_eq!(plain.total().await, 4);
}
