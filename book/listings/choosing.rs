//! Listings of the chapter "Choosing".

use tidegate::prelude::*;
use tidegate::{MailboxConfig, mailbox};

// ANCHOR: toml
#[test]
fn a_mailbox_from_a_file() -> Result<(), Box<dyn std::error::Error>> {
    let text = r#"
        mode = "adaptive"
        capacity = 256
        window = 16
        overflow = "wait"

        [watermarks]
        low = 32
        high = 128
    "#;
    let inbox: MailboxConfig = toml::from_str(text)?;
    let (tx, _rx) = mailbox::channel::<u32>(inbox);
    assert_eq!(tx.capacity(), Some(256));

    // What cannot be is an error that names the key.
    let wrong = toml::from_str::<MailboxConfig>("mode = \"push\"\ncapacity = 0").unwrap_err();
    assert!(wrong.to_string().contains("`capacity` cannot be 0"));
    Ok(())
}
// ANCHOR_END: toml

// ANCHOR: same
#[tokio::test]
async fn the_same_actor_under_each() {
    #[derive(Default)]
    struct Sum(u64);

    #[actor]
    impl Sum {
        #[message]
        fn add(&mut self, n: u64) {
            self.0 += n;
        }

        #[message]
        fn total(&self) -> u64 {
            self.0
        }
    }

    let mailboxes: [Mailbox<SumMsg>; 3] =
        [Push::bounded(64).into(), Pull::window(8).into(), Adaptive::window(64).into()];
    for mailbox in mailboxes {
        let sum = System::new().spawn(Sum::default(), mailbox);
        for n in 1..=100 {
            sum.add(n).await.unwrap();
        }
        assert_eq!(sum.total().await.unwrap(), 5050);
    }
}
// ANCHOR_END: same
