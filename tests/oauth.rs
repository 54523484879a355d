//! The protocol endpoints.

mod authorize;
mod client_auth;
mod code;
mod introspect;
mod logout;
mod metadata;
mod password;
mod refresh_token;
mod siblings;
mod token;
mod userinfo;
