//! An OAuth 2.0 and OpenID Connect authorization server: the daemon around the packages `protocol` and `store`.

pub mod app;
pub mod audit;
pub mod browser;
pub mod cli;
pub mod clock;
pub mod config;
mod decision;
pub mod declarative;
pub mod document;
pub mod error;
pub mod fetch;
pub mod html;
pub mod keys;
mod login;
mod oauth;
pub mod pages;
pub mod passwords;
pub mod random;
pub mod rate_limit;
pub mod router;
pub mod seal;
pub mod server;
pub mod setup;
pub mod sign_in;
pub mod telemetry;
pub mod totp;
pub mod web;
