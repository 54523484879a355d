//! The console at `/admin`.

mod clients;
mod diagnosis;
mod door;
mod keys;
mod overview;
mod requests;
mod roles;
mod staff;
mod trail;
mod users;
