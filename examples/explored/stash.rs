//! Deposits before, while and after the balance is read: all in their order, or told
//! to come back.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn explored() {
    let report = Explorer::new(Strategy::Reduced).any_time().run(|sim| async move {
        let account = sim.system().spawn(Account::default(), Push::bounded(2));
        let deposit = async |n| {
            let (reply, answer) = Reply::channel();
            account.tell(Msg::Deposit(n, reply)).await.unwrap();
            (n, answer)
        };
        let other = account.clone();
        let other = sim.spawn("other", async move { (10, other.ask(|reply| Msg::Deposit(10, reply)).await.unwrap()) });
        let mut answers = Vec::new();
        for (n, answer) in [deposit(1).await, deposit(2).await] {
            answers.push((n, answer.await.unwrap()));
        }
        answers.push(other.await);
        sim.sometimes("somebody is told to come back", answers.iter().any(|(_, answer)| answer.is_err()));
        // There is room for two in the stash, and so by now it has been read.
        let (n, answer) = deposit(100).await;
        answers.push((n, answer.await.unwrap()));
        let accepted: Vec<(u64, u64)> = answers.iter().filter_map(|(n, answer)| Some((*n, answer.ok()?))).collect();
        assert!(accepted.len() >= 3 && accepted.last().unwrap().0 == 100, "{answers:?}");
        // In some order, the one of whom made several: each adds to what was there.
        let mut steps = accepted.clone();
        steps.sort_by_key(|(_, balance)| *balance);
        let mut balance = 100;
        for (n, after) in steps {
            balance += n;
            assert_eq!(after, balance, "{answers:?}");
        }
        let own: Vec<u64> = accepted.iter().filter(|(n, _)| *n < 10).map(|(_, balance)| *balance).collect();
        assert!(own.is_sorted(), "{answers:?}");
        assert_eq!(account.stats().stashed, 0);
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}
