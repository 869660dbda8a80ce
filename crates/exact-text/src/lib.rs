#![doc = include_str!("../README.md")]

pub mod base64;
pub mod decimal;
pub mod json;
pub mod timestamp;
pub mod written_time;
