//! The pages between a request and its answer.

mod branding;
mod change_password;
mod consent;
mod enrol;
mod foreign_hash;
mod lock_out;
mod meanwhile;
mod mfa;
mod mfa_limits;
mod orders;
mod pages;
mod passkey;
mod password_policy;
mod security;
mod session;
mod sign_in;
