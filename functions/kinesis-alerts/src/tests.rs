mod deliveries;
mod entities;
mod handling;
mod history;
mod logs;
mod many_alerts;
mod ports;
mod simulation;
