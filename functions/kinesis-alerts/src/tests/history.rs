//! Customers' histories behind a simulation of Lambda's event source mapping: each record's decision is that of a plain fold
//! over what was taken in before it, is made once, and is never lost, whatever fails.

mod check;
mod crashes;
mod given_up;
mod mutants;
mod rules;
mod store;
mod world;
mod worlds;
