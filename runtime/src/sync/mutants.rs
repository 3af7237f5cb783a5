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
    ("consume.bury_end", "sync::queue::model::claims::a_message_arrives_whole"),
    ("consume.find_ring", "sync::queue::model::claims::a_message_arrives_whole"),
    ("consume.is_drained", "sync::queue::model::claims::a_message_arrives_whole"),
    ("consume.park_past_the_end", "sync::queue::model::claims::a_message_arrives_whole"),
    ("consume.raise_without_settling", "sync::queue::model::claims::a_message_arrives_whole"),
    ("consume.request", "sync::queue::model::claims::a_message_arrives_whole"),
    ("consume.retire", "sync::queue::model::claims::a_message_arrives_whole"),
    ("consume.retire_look", "sync::queue::model::claims::a_message_arrives_whole"),
    ("consume.retire_under_a_claim", "sync::queue::model::claims::a_message_arrives_whole"),
    ("consume.skip_spends_demand", "sync::queue::model::claims::a_message_arrives_whole"),
    ("consume.taken", "sync::queue::model::claims::a_message_arrives_whole"),
    ("core.late_message_vanishes", "sync::queue::model::claims::a_message_arrives_whole"),
    ("core.wait_for_the_close", "sync::queue::model::claims::a_message_arrives_whole"),
    ("counter.flag", "sync::queue::model::claims::a_message_arrives_whole"),
    ("counter.lower", "sync::queue::model::claims::a_message_arrives_whole"),
    ("counter.raise", "sync::queue::model::claims::a_message_arrives_whole"),
    ("counter.remove", "sync::queue::model::claims::a_message_arrives_whole"),
    ("counter.revive", "sync::queue::model::claims::a_message_arrives_whole"),
    ("counter.revive_the_dead", "sync::queue::model::claims::a_message_arrives_whole"),
    ("lane.send_after_close", "sync::queue::model::claims::a_message_arrives_whole"),
    ("lane.send_without_flag", "sync::queue::model::claims::a_message_arrives_whole"),
    ("lane.send_without_wake", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.allowed_capacity", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.allowed_looks_once", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.allowed_requested", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.cancel_keeps_permits", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.claim", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.claim_after_room", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.claim_ignores_close", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.claim_limit", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.claim_look", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.claim_overtakes_waiters", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.claim_slow", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.claim_slow_limit", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.claim_slow_tail", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.claim_without_report", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.close", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.close_forgets_waiters", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.grant_claim", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.grant_look", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.grant_reads_plainly", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.grant_room", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.is_closed", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.observe", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.permit_ignores_close", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.permit_limit", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.permit_look", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.put_without_wake", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.raise", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.release_limit", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.release_permit", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.release_without_settling", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.reserve", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.reserve_limit", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.reserve_look", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.reserve_without_grant", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.reserve_without_report", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.settle_without_observing", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.storage_taken", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.taken", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.use_permit", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.wait", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.wait_tail", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.wait_without_flag", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.wait_without_observing", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.wait_without_second_look", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.watch", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.watch_tail", "sync::queue::model::claims::a_message_arrives_whole"),
    ("queue.watch_without_tail", "sync::queue::model::claims::a_message_arrives_whole"),
    ("reply.answered", "sync::queue::model::claims::a_message_arrives_whole"),
    ("reply.drop_silently", "sync::queue::model::claims::a_message_arrives_whole"),
    ("reply.end", "sync::queue::model::claims::a_message_arrives_whole"),
    ("reply.leave", "sync::queue::model::claims::a_message_arrives_whole"),
    ("reply.poll", "sync::queue::model::claims::a_message_arrives_whole"),
    ("reply.register", "sync::queue::model::claims::a_message_arrives_whole"),
    ("reply.register_failed", "sync::queue::model::claims::a_message_arrives_whole"),
    ("reply.registered", "sync::queue::model::claims::a_message_arrives_whole"),
    ("reply.send_without_wake", "sync::queue::model::claims::a_message_arrives_whole"),
    ("reply.unwanted", "sync::queue::model::claims::a_message_arrives_whole"),
    ("ring.bury", "sync::queue::model::claims::a_message_arrives_whole"),
    ("ring.end", "sync::queue::model::claims::a_message_arrives_whole"),
    ("ring.ended", "sync::queue::model::claims::a_message_arrives_whole"),
    ("ring.get", "sync::queue::model::claims::a_message_arrives_whole"),
    ("ring.is_full", "sync::queue::model::claims::a_message_arrives_whole"),
    ("ring.park_blindly", "sync::queue::model::claims::a_message_arrives_whole"),
    ("ring.put", "sync::queue::model::claims::a_message_arrives_whole"),
    ("storage.first_limit", "sync::queue::model::claims::a_message_arrives_whole"),
    ("storage.first_ring", "sync::queue::model::claims::a_message_arrives_whole"),
    ("storage.first_ring_forgets_the_sleeper", "sync::queue::model::claims::a_message_arrives_whole"),
    ("storage.freeze", "sync::queue::model::claims::a_message_arrives_whole"),
    ("storage.grow_smaller", "sync::queue::model::claims::a_message_arrives_whole"),
    ("storage.grow_without_freezing", "sync::queue::model::claims::a_message_arrives_whole"),
    ("storage.grow_without_wake", "sync::queue::model::claims::a_message_arrives_whole"),
    ("storage.grown_ring", "sync::queue::model::claims::a_message_arrives_whole"),
    ("storage.make_room", "sync::queue::model::claims::a_message_arrives_whole"),
    ("storage.thaw", "sync::queue::model::claims::a_message_arrives_whole"),
    ("storage.thaw_grown", "sync::queue::model::claims::a_message_arrives_whole"),
    ("terms.change", "sync::queue::model::claims::a_message_arrives_whole"),
    ("terms.is_sealed", "sync::queue::model::claims::a_message_arrives_whole"),
    ("terms.narrow_last", "sync::queue::model::claims::a_message_arrives_whole"),
    ("terms.seal", "sync::queue::model::claims::a_message_arrives_whole"),
    ("terms.set_aside", "sync::queue::model::claims::a_message_arrives_whole"),
    ("terms.slots_drained", "sync::queue::model::claims::a_message_arrives_whole"),
    ("terms.switch_forgets_waiters", "sync::queue::model::claims::a_message_arrives_whole"),
    ("terms.switch_takes_grants_back", "sync::queue::model::claims::a_message_arrives_whole"),
    ("terms.unseal", "sync::queue::model::claims::a_message_arrives_whole"),
    ("wait_cell.again", "sync::queue::model::claims::a_message_arrives_whole"),
    ("wait_cell.forget_wake_during_registration", "sync::queue::model::claims::a_message_arrives_whole"),
    ("wait_cell.forget_wake_during_wake", "sync::queue::model::claims::a_message_arrives_whole"),
    ("wait_cell.keep_first_waker", "sync::queue::model::claims::a_message_arrives_whole"),
    ("wait_cell.register", "sync::queue::model::claims::a_message_arrives_whole"),
    ("wait_cell.registered", "sync::queue::model::claims::a_message_arrives_whole"),
    ("wait_cell.wake", "sync::queue::model::claims::a_message_arrives_whole"),
    ("wait_cell.woken", "sync::queue::model::claims::a_message_arrives_whole"),
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
