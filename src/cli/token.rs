//! `chancery token …`

use std::path::PathBuf;

use serde_json::{Value, json};

use super::output::{self, Format};
use super::{Context, Failure, Outcome};
use crate::diagnosis::token::{Kind, inspect};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Say what a token holds and whether it is good, and if not, why; it is read from standard input
    Inspect {
        /// Read the token from a file
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        format: Format,
    },
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    let Verb::Inspect { file, format } = verb;
    let token = super::input::text(file.as_deref())?;
    let issuer = &context.config.server.issuer;
    let inspection = inspect(&context.store, issuer, &token, context.now).await?;
    if inspection.kind == Kind::Unknown {
        return Err(Failure::new(
            "this is no token that is known here; check that it is whole",
        ));
    }
    let mut shown = json!(inspection);
    if let Value::Object(members) = &mut shown {
        members.retain(|_, value| !value.is_null());
    }
    output::one(format, &shown)
}
