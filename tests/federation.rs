//! Signing in at another provider: a second server of ours, or one that says whatever a test wants said.

mod answers;
mod freshness;
mod identities;
mod linking;
mod provider;
mod registration;
mod sign_in;
