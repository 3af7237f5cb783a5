//! Other names, another path to the runtime, derives, attributes of arguments.
#![deny(warnings)]

mod facade {
    pub(crate) use tidegate as runtime;
}

use facade::runtime::{Push, System};

#[derive(Default)]
struct Shelf {
    books: Vec<String>,
}

#[facade::runtime::actor(msg = Order, api = Orders, crate = crate::facade::runtime, derive(Debug, Clone, PartialEq))]
impl Shelf {
    #[message]
    fn put(
        &mut self,
        /* documented on the field */ #[doc = "What to put."] book: String,
        #[allow(unused_variables)] shelf: u8,
    ) {
        self.books.push(book);
    }
}

#[actor_alias(msg = Question)]
impl Vec2 {
    #[message]
    fn norm(&self) -> f64 {
        self.0.hypot(self.1)
    }
}

use tidegate::actor as actor_alias;
struct Vec2(f64, f64);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let system = System::new();
    let shelf = system.spawn(Shelf::default(), Push::bounded(8));
    let order = Order::Put { book: "Emma".to_owned(), shelf: 1 };
    assert_eq!(format!("{order:?}"), r#"Put { book: "Emma", shelf: 1 }"#);
    assert_eq!(order.clone(), order);
    fn is_api<T: Orders>(_: &T) {}
    is_api(&shelf);
    shelf.tell(order).await.unwrap();

    let vector = system.spawn(Vec2(3.0, 4.0), Push::bounded(8));
    assert_eq!(vector.norm().await.unwrap(), 5.0);
    let _: Option<Question> = None;
}
