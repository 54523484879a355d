//! The pages between a request and its answer.

mod consent;
mod mfa;
mod pages;
mod session;
mod sign_in;
