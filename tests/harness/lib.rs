//! What whole-system tests and the tools beside them share.

pub mod description;
pub mod document;
pub mod emulator;
pub mod workspace;
