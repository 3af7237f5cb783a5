//! Words at all distances, and ticks that meet a busy metronome: how many come of it.

use tidegate::explore::{Coverage, Explorer, Strategy};

use super::*;

#[test]
fn one_save_for_words_that_are_less_than_a_second_apart() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        let editor = sim.system().spawn(Editor::default(), Push::bounded(2));
        editor.typed("a ".to_owned()).await.unwrap();
        let (mut long, mut even) = (0, 0);
        for word in ["stitch ", "in "] {
            let pause = [SECOND / 2, SECOND, SECOND * 3 / 2][sim.choose(3)];
            sim.sleep(pause).await;
            editor.typed(word.to_owned()).await.unwrap();
            long += u64::from(pause > SECOND);
            even += u64::from(pause == SECOND);
        }
        sim.sleep(SECOND * 60).await;
        // In the very moment of the timer the word may come before it, and take its place.
        let saves = editor.stats().handled - 3;
        assert!((1 + long..=1 + long + even).contains(&saves), "{saves} saves, {long} long and {even} even pauses");
        sim.sometimes("a word takes the place of a save", even == 2 && saves == 1);
        sim.sometimes("a word comes after the save", even == 2 && saves == 3);
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

#[test]
fn ticks_that_are_missed() {
    let report = Explorer::new(Strategy::Reduced).run(|sim| async move {
        // As many as in eight seconds of the example, with others beside it.
        let expected = [(Missed::Skip, 6), (Missed::Delay, 5), (Missed::Burst, 8)];
        let ticking = expected.map(|(missed, _)| {
            sim.system().spawn(Metronome { missed, busy: SECOND * 7 / 2 }, Push::bounded(1 + sim.choose(2)))
        });
        sim.sleep(SECOND * 33 / 4).await;
        for (metronome, (missed, ticks)) in ticking.iter().zip(expected) {
            assert_eq!(metronome.stats().handled, ticks, "{missed:?}");
        }
    });
    println!("{report}");
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}
