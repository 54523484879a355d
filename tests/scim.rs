//! `/scim/v2`: another directory makes, changes and removes accounts and groups (RFC 7643, RFC 7644).

mod access;
mod authority;
mod directory;
mod discovery;
mod groups;
mod patches;
mod searches;
mod users;
