//! What the model could have said, and what not.

use super::Model;
use super::history::{Call, explain};

/// A register: `Some` writes and answers what was there, `None` reads.
#[derive(Clone, Default, PartialEq)]
struct Register(u8);

impl Model for Register {
    type Command = Option<u8>;
    type Answer = u8;

    fn apply(&mut self, command: &Option<u8>) -> u8 {
        let before = self.0;
        self.0 = command.unwrap_or(before);
        before
    }
}

/// Given, command, answer, answered.
type Said = (u64, Option<u8>, u8, u64);

fn explained(clients: &[&[Said]]) -> Result<(), String> {
    let commands: Vec<Vec<_>> = clients.iter().map(|calls| calls.iter().map(|said| said.1).collect()).collect();
    let calls: Vec<Vec<_>> = clients
        .iter()
        .map(|calls| calls.iter().map(|&(given, _, answer, answered)| Call { given, answer, answered }).collect())
        .collect();
    explain(&Register::default(), &commands, &calls).map_err(|why| format!("{why:?}"))
}

#[test]
fn one_client_is_told_what_the_model_says() {
    assert_eq!(explained(&[]), Ok(()));
    assert_eq!(explained(&[&[(1, Some(7), 0, 2), (3, None, 7, 4)]]), Ok(()));
    let why = explained(&[&[(1, Some(7), 0, 2), (3, None, 0, 4)]]).unwrap_err();
    assert_eq!(
        why,
        "no order of the commands gives these answers:\n  \
         client-0, 1 to 2: Some(7) -> 0\n  \
         client-0, 3 to 4: None -> 0\n\
         After Some(7) the model says None -> 7"
    );
}

#[test]
fn commands_at_the_same_time_come_in_either_order() {
    for read in [0, 7] {
        assert_eq!(explained(&[&[(1, Some(7), 0, 4)], &[(2, None, read, 3)]]), Ok(()));
    }
    let why = explained(&[&[(1, Some(7), 0, 4)], &[(2, None, 9, 3)]]).unwrap_err();
    assert!(why.contains("At first the model says None -> 0") || why.contains("says None -> 7"), "{why}");
}

#[test]
fn what_was_answered_comes_before_what_is_given_then() {
    assert_eq!(explained(&[&[(1, Some(7), 0, 2)], &[(3, None, 7, 4)]]), Ok(()));
    explained(&[&[(1, Some(7), 0, 2)], &[(3, None, 0, 4)]]).unwrap_err();
}

/// Each of two clients reads the writes of a third, in another order.
#[test]
fn all_clients_have_one_order() {
    let writes: [&[Said]; 2] = [&[(1, Some(1), 0, 20)], &[(2, Some(2), 1, 21)]];
    let same: &[Said] = &[(3, None, 1, 4), (5, None, 2, 6)];
    let other: &[Said] = &[(7, None, 2, 8), (9, None, 1, 10)];
    assert_eq!(explained(&[writes[0], writes[1], same]), Ok(()));
    explained(&[writes[0], writes[1], same, other]).unwrap_err();
}

/// Twelve commands that all may come first: 12! orders, and 2^12 places.
#[test]
fn no_place_is_searched_twice() {
    let said: Vec<[Said; 1]> = (0..12).map(|n| [(n, None, u8::from(n == 11), 100 + n)]).collect();
    let clients: Vec<&[Said]> = said.iter().map(<[Said; 1]>::as_slice).collect();
    explained(&clients).unwrap_err();
}
