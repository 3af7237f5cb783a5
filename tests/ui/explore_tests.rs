use tidegate::explore_test;

#[explore_test]
fn not_async(_sim: tidegate::explore::Sim) {}

#[explore_test]
async fn no_sim() {}

#[explore_test]
async fn two_sims(_one: u8, _other: u8) {}

#[explore_test]
async fn generic<T: Default>(_sim: tidegate::explore::Sim) {}

#[explore_test]
#[test]
async fn a_test_twice(_sim: tidegate::explore::Sim) {}

#[explore_test]
struct NoFunction;

#[explore_test(speed = 3)]
async fn an_unknown_option(_sim: tidegate::explore::Sim) {}

#[explore_test(seed = 1, seed = 2)]
async fn an_option_twice(_sim: tidegate::explore::Sim) {}

#[explore_test(delays = 2, strategy = Exhaustive)]
async fn two_strategies(_sim: tidegate::explore::Sim) {}

fn main() {}
