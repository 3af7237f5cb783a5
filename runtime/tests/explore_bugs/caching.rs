//! Notify, then fetch: a cache that does not look once more.

use tidegate::explore::{Explorer, Sim, Strategy};
use tidegate::prelude::*;

use super::support::{Takes, Version, hunt, says, sure};

enum Store {
    Write(u64, Reply<()>),
    Read(Reply<u64>),
}

struct Table(u64);

impl Actor for Table {
    type Msg = Store;

    async fn handle(&mut self, msg: Store, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Store::Write(value, reply) => {
                self.0 = value;
                let _ = reply.send(());
            }
            Store::Read(reply) => drop(reply.send(self.0)),
        }
        Ok(())
    }
}

enum Cached {
    /// There is something new.
    News,
    Fetched(u64),
    Get(Reply<u64>),
}

struct Cache {
    store: ActorRef<Store>,
    value: u64,
    fetching: bool,
    /// There was news while it fetched.
    stale: bool,
    version: Version,
}

impl Cache {
    fn fetch(&mut self, cx: &mut Context<Self>) {
        if self.fetching {
            self.stale = true;
            return;
        }
        (self.fetching, self.stale) = (true, false);
        let (store, me) = (self.store.clone(), cx.me());
        cx.spawn(async move {
            if let Ok(value) = store.ask(Store::Read).await {
                let _ = me.tell(Cached::Fetched(value)).await;
            }
        });
    }
}

impl Actor for Cache {
    type Msg = Cached;

    async fn handle(&mut self, msg: Cached, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Cached::News => self.fetch(cx),
            Cached::Fetched(value) => {
                self.value = value;
                self.fetching = false;
                if self.stale && self.version.is_fixed() {
                    self.fetch(cx);
                }
            }
            Cached::Get(reply) => drop(reply.send(self.value)),
        }
        Ok(())
    }
}

/// News that comes while a fetch is on its way is covered by that fetch, or so
/// it seems. Put right, the cache fetches once more.
async fn stale(sim: Sim, version: Version) {
    let store = sim.system().spawn(Table(0), Push::bounded(4));
    let cache = Cache { store: store.clone(), value: 0, fetching: false, stale: false, version };
    let cache = sim.system().spawn(cache, Push::bounded(4));
    for value in [1, 2] {
        sure(store.ask(|reply| Store::Write(value, reply)).await);
        sure(cache.tell(Cached::News).await);
    }
    sim.settled().await;
    assert_eq!(sure(cache.ask(Cached::Get).await), 2, "the cache is stale");
}

#[test]
fn a_cache_that_does_not_look_again() {
    hunt(&Explorer::new(Strategy::Exhaustive), Takes(3), says("the cache is stale"), stale);
}
