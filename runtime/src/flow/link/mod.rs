//! Demand and items between two ends, over a network that loses, duplicates and
//! reorders.
