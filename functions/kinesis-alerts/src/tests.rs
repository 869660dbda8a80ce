mod ports;
mod simulation;
