//! Nothing that is in scope gets in the way of what the macro writes, nor the other way round.
#![deny(warnings)]
#![allow(unreachable_pub)]
#![allow(dead_code, non_camel_case_types, non_snake_case)]

use tidegate::{Push, System, actor};

mod shadows {
    pub struct Result;
    pub struct Option;
    pub struct Box;
    pub struct Reply;
    pub struct Context;
    pub struct Actor;
    pub struct ActorRef;
    pub struct Future;
    pub trait Send {}
    pub fn Ok() {}
    pub fn Err() {}
    pub fn Some() {}
    pub mod core {}
    pub mod std {}
    pub struct u64;
    pub struct usize;
}
#[allow(unused_imports)]
use shadows::*;

struct Odd;

trait Rival {
    fn add(&mut self, _: i32) {
        unreachable!()
    }
    fn handle(&self) {}
}
impl Rival for Odd {}

#[actor]
impl Odd {
    /// Arguments with the names of our locals.
    #[message]
    async fn add(&mut self, msg: i32, value: i32, fault: i32, me: i32) -> i32 {
        msg + value + fault + me
    }

    #[message]
    fn tell_all(&mut self, cx: i32, reply: i32, reason: i32) {
        assert_eq!(cx + reply + reason, 6);
    }

    /// The names of the trait's methods.
    #[message]
    async fn handle(&mut self, cx: &mut tidegate::Context<Self>, context: Context) -> bool {
        let _ = (cx.me(), context);
        true
    }

    #[started]
    async fn started(&mut self) {}

    #[stopped]
    async fn stopped(&mut self) {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let odd = System::new().spawn(Odd, Push::bounded(8));
    assert_eq!(odd.add(1, 2, 3, 4).await.unwrap(), 10);
    odd.tell_all(1, 2, 3).await.unwrap();
    assert!(odd.handle(Context).await.unwrap());
}
