mod handling;
mod logs;
mod ports;
mod simulation;
