mod boundaries;
mod handling;
mod items;
mod ports;
mod simulation;
mod table;
mod world;
mod writes;
