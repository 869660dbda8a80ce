//! How well a policy did, by the labels.
