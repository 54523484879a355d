//! Drives a running server from outside.
//!
//! `conformance demands ISSUER CONFIG` checks what the OpenID Foundation's Basic and Config plans ask of a provider;
//! `conformance suite BASE_URL PLAN` runs such a plan in the foundation's own suite;
//! `conformance bench [BINARY]` measures what each kind of request costs the server.

mod bench;
mod demands;
mod encode;
mod html;
mod provider;
mod suite;
mod web;

use std::process::ExitCode;

const USAGE: &str = "usage: conformance demands ISSUER CONFIG.json [MODULE…] | conformance suite BASE_URL PLAN.json \
    | conformance bench [BINARY]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["demands", issuer, config, modules @ ..] => demands::run(issuer, config, modules).await,
        ["suite", base, plan] => suite::run(base, plan).await,
        ["bench"] => bench::run("target/release/chancery").await,
        ["bench", binary] => bench::run(binary).await,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
