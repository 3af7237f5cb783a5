//! The weakenings that the models have to notice.
//!
//! `order!(Release, "name")` and `mutant!("name")` mark a place in the code; in
//! a model build the environment variable `TIDEGATE_MUTANT` switches one of
//! them on. [`MUTANTS`] says which model fails then. `cargo xtask model
//! --mutants` runs them all: a model that does not notice is no model, and an
//! ordering that nobody misses is stronger than it has to be.

use std::sync::OnceLock;

/// Each mutant, and the model that fails while it is switched on.
pub(crate) const MUTANTS: &[(&str, &str)] = &[
    ("consume.park_past_the_end", "sync::queue::model::storage::growing_never_strands_the_receiver"),
    ("consume.raise_without_settling", "sync::queue::model::waiting::demand_reaches_a_waiting_sender"),
    ("consume.request", "sync::queue::model::claims::nothing_comes_that_was_not_asked_for"),
    ("consume.retire_under_a_claim", "sync::queue::model::storage::an_old_look_at_the_limit_is_harmless"),
    ("consume.skip_spends_demand", "sync::queue::model::claims::a_claim_given_up_spends_nothing"),
    ("consume.taken", "sync::queue::model::claims::a_slot_is_reused_only_when_empty"),
    ("core.late_message_vanishes", "mailbox::model::a_permit_outlives_the_receiver"),
    ("core.wait_for_the_close", "mailbox::model::a_close_during_the_way_back_to_slots_is_heard"),
    ("counter.flag", "sync::counter::model::a_raised_flag_carries_its_past"),
    ("counter.raise", "sync::counter::model::a_raised_flag_carries_its_past"),
    ("counter.remove", "sync::counter::model::a_weak_handle_never_revives_the_dead"),
    ("counter.revive_the_dead", "sync::counter::model::a_weak_handle_never_revives_the_dead"),
    ("lane.forget_the_news", "sync::lane::model::no_signal_is_slept_through"),
    ("lane.send_after_close", "sync::lane::model::a_closed_lane_hands_signals_back"),
    ("lane.send_without_flag", "sync::lane::model::no_signal_is_slept_through"),
    ("lane.send_without_wake", "sync::lane::model::no_signal_is_slept_through"),
    ("queue.allowed_capacity", "sync::queue::model::terms::terms_change_as_one"),
    ("queue.allowed_looks_once", "sync::queue::model::terms::terms_change_as_one"),
    ("queue.allowed_requested", "sync::queue::model::claims::nothing_comes_that_was_not_asked_for"),
    ("queue.cancel_keeps_permits", "sync::queue::model::waiting::a_cancelled_wait_passes_its_turn_on"),
    ("queue.claim", "sync::queue::model::storage::an_old_look_at_the_limit_is_harmless"),
    ("queue.claim_ignores_close", "sync::queue::model::ending::a_waiting_sender_outlives_the_receiver"),
    ("queue.claim_limit", "sync::queue::model::claims::a_slot_is_reused_only_when_empty"),
    ("queue.claim_look", "sync::queue::model::waiting::a_grant_given_back_is_not_snatched"),
    ("queue.claim_overtakes_waiters", "sync::queue::model::waiting::waiting_senders_are_served_in_order"),
    ("queue.claim_slow", "sync::queue::model::storage::growing_keeps_order_and_loses_nothing"),
    ("queue.claim_slow_limit", "sync::queue::model::storage::growing_never_strands_the_receiver"),
    ("queue.claim_slow_tail", "sync::queue::model::waiting::a_grant_given_back_is_not_snatched"),
    ("queue.claim_without_report", "sync::queue::model::pressure::a_new_listener_misses_nothing"),
    ("queue.close", "sync::queue::model::ending::a_closed_queue_shows_why"),
    ("queue.close_forgets_waiters", "sync::queue::model::ending::a_waiting_sender_outlives_the_receiver"),
    ("queue.follow", "sync::queue::model::pressure::progress_is_not_slept_through"),
    ("queue.follow_look", "sync::queue::model::pressure::a_permit_given_back_is_room"),
    ("queue.follow_reads_plainly", "sync::queue::model::pressure::a_permit_given_back_is_room"),
    ("queue.follow_without_flag", "sync::queue::model::pressure::progress_is_not_slept_through"),
    ("queue.follow_without_second_look", "sync::queue::model::pressure::progress_is_not_slept_through"),
    ("queue.grant_look", "sync::queue::model::permits::a_dropped_permit_reaches_the_next_sender"),
    ("queue.grant_reads_plainly", "sync::queue::model::permits::a_dropped_permit_reaches_the_next_sender"),
    ("queue.is_closed", "sync::queue::model::ending::a_closed_queue_shows_why"),
    ("queue.permit_ignores_close", "sync::queue::model::permits::permits_outlive_a_close_without_harm"),
    ("queue.put_without_wake", "sync::queue::model::storage::an_idle_mailbox_wakes_up"),
    ("queue.raise", "sync::queue::model::claims::a_slot_is_reused_only_when_empty"),
    ("queue.release_permit", "sync::queue::model::permits::a_dropped_permit_reaches_the_next_sender"),
    ("queue.release_without_settling", "sync::queue::model::permits::a_dropped_permit_reaches_the_next_sender"),
    ("queue.reserve_without_grant", "sync::queue::model::permits::permits_are_grants"),
    ("queue.reserve_without_report", "sync::queue::model::pressure::pressure_edges_alternate_and_end_at_the_level"),
    ("queue.settle_without_observing", "sync::queue::model::pressure::a_new_listener_misses_nothing"),
    ("queue.wait", "sync::queue::model::waiting::demand_reaches_a_waiting_sender"),
    ("queue.wait_without_flag", "sync::queue::model::permits::a_dropped_permit_reaches_the_next_sender"),
    ("queue.wait_without_observing", "sync::queue::model::pressure::a_grant_found_while_waiting_counts"),
    ("queue.wait_without_second_look", "sync::queue::model::permits::a_dropped_permit_reaches_the_next_sender"),
    ("queue.watch_without_tail", "sync::queue::model::pressure::a_new_listener_misses_nothing"),
    ("reply.answered", "sync::reply::model::an_answer_arrives_whole"),
    ("reply.drop_silently", "sync::reply::model::an_asker_hears_that_there_is_no_answer"),
    ("reply.end", "sync::reply::model::an_answer_arrives_whole"),
    ("reply.leave", "sync::reply::model::an_answer_is_delivered_or_handed_back"),
    ("reply.poll", "sync::reply::model::an_answer_arrives_whole"),
    ("reply.register_failed", "sync::reply::model::an_answer_arrives_whole"),
    ("reply.registered", "sync::reply::model::an_answer_arrives_whole"),
    ("reply.send_without_wake", "sync::reply::model::an_answer_arrives_whole"),
    ("ring.bury", "sync::queue::model::ending::a_waiting_sender_outlives_the_receiver"),
    ("ring.end", "sync::queue::model::storage::growing_never_strands_the_receiver"),
    ("ring.ended", "sync::queue::model::storage::growing_never_strands_the_receiver"),
    ("ring.get", "sync::queue::model::claims::a_message_arrives_whole"),
    ("ring.is_full", "sync::queue::model::claims::a_ready_message_is_whole"),
    ("ring.park_blindly", "sync::queue::model::storage::an_idle_mailbox_wakes_up"),
    ("ring.put", "sync::queue::model::claims::a_message_arrives_whole"),
    ("storage.first_ring_forgets_the_sleeper", "sync::queue::model::storage::an_idle_mailbox_wakes_up"),
    ("storage.grow_without_freezing", "sync::queue::model::storage::growing_keeps_order_and_loses_nothing"),
    ("storage.grow_without_wake", "sync::queue::model::storage::growing_never_strands_the_receiver"),
    ("storage.grown_ring", "sync::queue::model::claims::producers_keep_their_order"),
    ("storage.thaw", "sync::queue::model::storage::an_old_look_at_the_limit_is_harmless"),
    ("terms.change", "sync::queue::model::terms::terms_change_as_one"),
    ("terms.narrow_last", "sync::queue::model::terms::terms_change_as_one"),
    ("terms.switch_forgets_waiters", "sync::queue::model::terms::a_switch_to_push_releases_who_waits"),
    ("terms.switch_takes_grants_back", "sync::queue::model::terms::capacity_goes_down_and_up"),
    ("wait_cell.again", "sync::wait_cell::model::two_wakes_at_once_both_count"),
    ("wait_cell.forget_wake_during_registration", "sync::wait_cell::model::a_waker_is_kept_once_and_dropped"),
    ("wait_cell.forget_wake_during_wake", "sync::wait_cell::model::two_wakes_at_once_both_count"),
    ("wait_cell.keep_first_waker", "sync::wait_cell::model::a_waker_is_kept_once_and_dropped"),
    ("wait_cell.register", "sync::wait_cell::model::a_wake_is_never_lost"),
    ("wait_cell.registered", "sync::wait_cell::model::a_wake_is_never_lost"),
    ("wait_cell.wake", "sync::wait_cell::model::a_wake_is_never_lost"),
    ("wait_cell.woken", "sync::wait_cell::model::a_wake_is_never_lost"),
];

/// Whether the mutant `name` is switched on.
pub(crate) fn on(name: &str) -> bool {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let chosen = std::env::var("TIDEGATE_MUTANT").ok()?;
        let known = MUTANTS.iter().any(|(mutant, _)| *mutant == chosen);
        assert!(known, "TIDEGATE_MUTANT names `{chosen}`, and there is no such mutant");
        Some(chosen)
    });
    chosen.as_deref() == Some(name)
}

/// Prints the table for those who run it.
#[cfg(test)]
#[test]
fn list() {
    for (mutant, model) in MUTANTS {
        println!("tidegate-mutant: {mutant} {model}");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::MUTANTS;

    /// The sources of floors 1 and 2: their paths below `src`, and their text.
    fn sources() -> Vec<(PathBuf, String)> {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        let mut folders = vec![src.join("sync"), src.join("mailbox")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder of sources can be read") {
                let path = entry.expect("an entry can be read").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = fs::read_to_string(&path).expect("a source can be read");
                    found.push((path.strip_prefix(&src).expect("lies below src").to_path_buf(), text));
                }
            }
        }
        found
    }

    /// Whether the file marks places for mutants, and does not only speak of it.
    fn is_code(path: &Path) -> bool {
        !is_model(path) && !path.ends_with("shim.rs") && !path.ends_with("mutants.rs")
    }

    fn is_model(path: &Path) -> bool {
        path.components().any(|part| part.as_os_str() == "model" || part.as_os_str() == "model.rs")
    }

    /// The full names of all models: the path of the file, and the function.
    fn models(sources: &[(PathBuf, String)]) -> BTreeSet<String> {
        let mut models = BTreeSet::new();
        for (path, text) in sources.iter().filter(|(path, _)| is_model(path)) {
            let module = path.with_extension("");
            let module: Vec<_> = module.iter().filter_map(|part| part.to_str()).filter(|part| *part != "mod").collect();
            for test in text.split("#[test]\nfn ").skip(1) {
                let name = test.split('(').next().expect("`split` yields one");
                models.insert(format!("{}::{name}", module.join("::")));
            }
        }
        models
    }

    #[test]
    fn every_mutant_is_in_the_table_and_in_the_code() {
        let mut used = Vec::new();
        for (_, text) in sources().iter().filter(|(path, _)| is_code(path)) {
            let places = ["order!(", "mutant!("].into_iter().flat_map(|place| text.split(place).skip(1));
            used.extend(places.filter_map(|behind| behind.split('"').nth(1)).map(str::to_owned));
        }
        let listed: Vec<String> = MUTANTS.iter().map(|(mutant, _)| (*mutant).to_owned()).collect();
        for names in [&used, &listed] {
            let twice: BTreeSet<_> =
                names.iter().filter(|name| names.iter().filter(|n| n == name).count() > 1).collect();
            assert!(twice.is_empty(), "more than once: {twice:?}");
        }
        let (used, listed) = (used.into_iter().collect::<BTreeSet<_>>(), listed.into_iter().collect::<BTreeSet<_>>());
        assert!(!used.is_empty(), "no mutant was found in the sources");
        assert_eq!(used, listed);
    }

    #[test]
    fn every_model_that_is_named_exists_and_has_been_seen_failing() {
        let sources = sources();
        let models = models(&sources);
        assert!(models.len() >= 28, "{} models", models.len());
        for (mutant, model) in MUTANTS {
            assert!(models.contains(*model), "`{mutant}` names `{model}`, which is not there");
        }
        let killers: BTreeSet<&str> = MUTANTS.iter().map(|(_, model)| *model).collect();
        for (path, text) in sources.iter().filter(|(path, _)| is_code(path)) {
            let mut lines = text.lines().map(str::trim).peekable();
            while let Some(line) = lines.next() {
                let Some((_, named)) = line.split_once("// Checked by:") else { continue };
                // A list goes on behind a comma at the end of the line.
                let mut named = named.to_owned();
                while let (true, Some(more)) = (named.trim_end().ends_with(','), lines.peek()) {
                    named.push_str(more.trim_start_matches(['/', ' ']));
                    lines.next();
                }
                for name in named.split([',', ' ']).map(|name| name.trim_end_matches('.')).filter(|n| n.contains("::"))
                {
                    let known = killers.iter().any(|model| model.ends_with(&format!("::{name}")));
                    assert!(known, "{}: `{name}` has not been seen failing", path.display());
                }
            }
        }
    }
}
