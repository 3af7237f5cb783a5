//! How methods, variants and `try_` methods are named, and types that only look borrowed.
#![deny(warnings)]
#![allow(non_snake_case)]

use tidegate::{Push, System, actor};

mod types {
    pub(crate) struct Named;
}

#[actor]
impl types::Named {
    #[message]
    fn r#match(&self, r#type: u8) -> u8 {
        r#type
    }

    #[message]
    fn r#move(&self) {}

    /// Has a `try_` of its own, so none is written for it.
    #[message]
    fn send_all(&self) {}

    #[message]
    fn try_send_all(&self) -> u8 {
        7
    }

    #[message]
    fn _2(&self) {}

    #[message]
    fn self_(&self, _unused: u8) {}

    #[message]
    fn with_http2_and_IP(&self) {}

    #[message]
    fn call(&self, f: Box<dyn Fn(&str) -> usize + Send>, g: fn(&str) -> &str) -> usize {
        f(g("abc"))
    }

    #[message]
    fn higher(&self, f: Box<dyn for<'a> Fn(&'a str) -> &'a str + Send + Sync>) -> &'static str {
        if f("a") == "a" { "same" } else { "other" }
    }

    #[message]
    fn sized(&self, bytes: [u8; Self::SIZE]) -> [u8; Self::SIZE] {
        bytes
    }

    const SIZE: usize = 2;
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // An impl block in a function is as good as one in a module.
    struct Local;
    #[actor]
    impl Local {
        #[message]
        async fn ping(&mut self) -> &'static str {
            "pong"
        }
    }

    let system = System::new();
    assert_eq!(system.spawn(Local, Push::bounded(1)).ping().await.unwrap(), "pong");

    let named = system.spawn(types::Named, Push::bounded(8));
    assert_eq!(named.r#match(3).await.unwrap(), 3);
    named.try_move().unwrap();
    assert_eq!(named.try_send_all().await.unwrap(), 7);
    named.tell(NamedMsg::_2).await.unwrap();
    named.tell(NamedMsg::_Self { _unused: 1 }).await.unwrap();
    named.tell(NamedMsg::WithHttp2AndIP).await.unwrap();
    assert_eq!(named.call(Box::new(str::len), str::trim).await.unwrap(), 3);
    assert_eq!(named.higher(Box::new(|s| s)).await.unwrap(), "same");
    assert_eq!(named.sized([1, 2]).await.unwrap(), [1, 2]);

    // Futures of the trait are `Send` and borrow only the reference.
    let message = named.higher(Box::new(|_| "b"));
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    assert_eq!(is_send(message).await.unwrap(), "other");
}
