//! What operators hold on to: HTTP as such, keys, the command line.

mod command_line;
mod database_tls;
mod flood;
mod http;
mod keys;
mod process;
mod rate_limits;
mod shared_limits;
