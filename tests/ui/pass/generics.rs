//! The enum and the trait take the parameters that occur in messages, and no others.
#![deny(warnings)]

use std::collections::HashMap;
use std::hash::Hash;
use tidegate::{Push, System, actor};

struct Store<K, V, S, const N: usize> {
    map: HashMap<K, V>,
    log: S,
    recent: Option<[V; N]>,
}

#[actor]
impl<K, V, S: Extend<K> + Send + 'static, const N: usize> Store<K, V, S, N>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + 'static,
    Vec<S>: Send,
{
    #[message]
    async fn put(&mut self, key: K, value: V) -> Option<V> {
        self.log.extend([key.clone()]);
        self.map.insert(key, value)
    }

    #[message]
    async fn remember(&mut self, recent: [V; N]) {
        self.recent = Some(recent);
    }
}

/// Neither `K` nor `S` is a parameter of these.
struct Keyed<K, S>(Vec<K>, S);

#[actor(derive(Debug, Clone, PartialEq))]
impl<K: Send + 'static, S: From<K> + Send + 'static> Keyed<K, S> {
    #[message]
    fn clear(&mut self) {
        self.0.clear();
    }
}

struct Iterate<I: Iterator>(I);

#[actor]
impl<I: Iterator<Item = T> + Send + 'static, T: Send + 'static> Iterate<I> {
    #[message]
    fn advance(&mut self, n: usize) -> Option<T> {
        self.0.nth(n)
    }
}

async fn fill<K, V, const N: usize>(store: &tidegate::ActorRef<StoreMsg<K, V, N>>, key: K, values: [V; N])
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + 'static,
{
    for value in values.clone() {
        store.put(key.clone(), value).await.expect("an answer");
    }
    store.remember(values).await.expect("room");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let system = System::new();
    let store = Store::<u8, String, Vec<u8>, 2> { map: HashMap::new(), log: vec![], recent: None };
    let store = system.spawn(store, Push::bounded(8));
    fill(&store, 1, ["a".to_owned(), "b".to_owned()]).await;
    let old = store.put(1, "c".to_owned()).await.expect("an answer");
    assert_eq!(old.as_deref(), Some("b"));

    let keyed = system.spawn(Keyed(vec![1_u8], 1_u64), Push::bounded(8));
    keyed.clear().await.expect("room");
    assert_eq!(KeyedMsg::Clear, KeyedMsg::Clear.clone());

    let numbers = system.spawn(Iterate(0..10), Push::bounded(8));
    assert_eq!(numbers.advance(4).await.expect("an answer"), Some(4));
}
