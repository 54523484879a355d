//! `chancery key …`

use protocol::jose::Algorithm;
use serde_json::json;
use store::{Conn, StoredKey, keys};

use super::output::{self, Format};
use super::{Context, Failure, Outcome};
use crate::administration::Actor;
use crate::audit::Event;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List the signing keys
    List(Format),
    /// Let the next signing keys take over at the earliest safe moment
    Rotate {
        /// Only this algorithm [default: all that are configured]
        #[arg(long)]
        algorithm: Option<Algorithm>,
    },
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    let now = context.now;
    match verb {
        Verb::List(format) => {
            let all = context
                .store
                .read(async move |db: &mut Conn| keys::list(db).await)
                .await?;
            let state = |key: &StoredKey| match key {
                key if key.expires_at.is_some_and(|at| at <= now) => "expired",
                key if key.retires_at.is_some_and(|at| at <= now) => "retired",
                key if key.activates_at > now => "upcoming",
                _ => "active",
            };
            let rows = all.iter().map(|key| {
                json!({
                    "kid": key.kid, "algorithm": key.algorithm, "state": state(key), "created_at": key.created_at,
                    "activates_at": key.activates_at, "retires_at": key.retires_at, "expires_at": key.expires_at,
                    "public_jwk": key.public_jwk,
                })
            });
            output::many(
                format,
                &[
                    "kid",
                    "algorithm",
                    "state",
                    "activates_at",
                    "retires_at",
                    "expires_at",
                ],
                rows.collect(),
            )
        }
        Verb::Rotate { algorithm } => {
            let sealer = context.sealer()?;
            let (store, config) = (&context.store, &context.config);
            let event = || Event::at(now, "key.rotated").by(&Actor::command_line());
            let made = crate::keys::rotate_now(store, &sealer, algorithm, now, config, &event)
                .await
                .map_err(|e| Failure(e.to_string()))?;
            if made.is_empty() {
                return Err(Failure::new(
                    "no key was rotated; [keys] algorithms in the configuration names those in use",
                ));
            }
            for kid in made {
                output::line(format_args!("next to sign: {kid}"));
            }
            Ok(())
        }
    }
}
