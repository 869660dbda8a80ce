//! A policy's decisions over transactions of the past.
