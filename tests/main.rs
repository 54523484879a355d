//! The server from outside, over HTTP, as clients and browsers meet it. The database comes from
//! `TEST_DATABASE_URL`, or is a temporary SQLite file.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod access;
mod account;
mod admin;
mod api_keys;
mod audit;
mod console;
mod diagnosis;
mod federation;
mod import;
mod layout;
mod login;
mod oauth;
mod operation;
mod privacy;
mod scim;
mod support;
