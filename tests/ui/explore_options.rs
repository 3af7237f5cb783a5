use tidegate::explore_test;

#[explore_test(seed)]
async fn without_a_value(_sim: tidegate::explore::Sim) {}

#[explore_test(crate = 3)]
async fn no_path(_sim: tidegate::explore::Sim) {}

#[explore_test(strategy = Exhaustive, delays = 2)]
async fn two_strategies(_sim: tidegate::explore::Sim) {}

#[explore_test(faults = Faults::at_most(1), faults = Faults::at_most(2))]
async fn faults_twice(_sim: tidegate::explore::Sim) {}

#[explore_test("quickly")]
async fn no_option(_sim: tidegate::explore::Sim) {}

fn main() {}
