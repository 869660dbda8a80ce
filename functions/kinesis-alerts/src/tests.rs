mod handling;
mod ports;
mod simulation;
