//! What people do with their own accounts.

mod api;
mod apps;
mod email;
mod invitation;
mod links;
mod mail;
mod password;
mod person;
mod profile;
mod recovery;
mod sessions;
mod set_up;
mod sign_up;
