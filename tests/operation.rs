//! What operators hold on to: HTTP as such, keys, the command line.

mod command_line;
mod http;
mod keys;
