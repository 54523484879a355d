//! API keys: made by people, used by programs.

mod account;
mod administrators;
mod exchange;
mod introspection;
mod person;
mod secret;
