//! Delivery under everything at once, by tokio's clock, which runs ahead whenever all wait.

mod simulation;
mod world;
