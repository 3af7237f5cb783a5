//! Demand: who may send how much, through a whole pipeline and over a network.

pub mod link;
pub mod reactive;
