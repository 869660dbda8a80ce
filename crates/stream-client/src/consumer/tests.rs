//! Delivery under everything at once, and what no real service does on demand, by tokio's clock, which runs ahead whenever
//! all wait.

mod rarities;
mod simulation;
mod world;
