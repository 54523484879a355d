//! Running and preparing the server: `serve`, `migrate`, `check-config`, `setup-link`.

use std::path::Path;

use store::Store;

use super::{Context, Failure, Outcome, output};
use crate::config::Config;
use crate::pages::Pages;
use crate::{server, setup};

pub(super) async fn serve(config: Config) -> Outcome {
    let warnings = config.warnings();
    if !warnings.is_empty() {
        eprintln!("not fit for production: {}", warnings.join("; "));
    }
    server::serve(config).await.map_err(|e| Failure(e.to_string()))
}

pub(super) async fn migrate(config: &Config) -> Outcome {
    let store = Store::open(&config.database.url, config.database.max_connections).await?;
    let applied = store.migrate().await?;
    for name in &applied {
        output::line(format_args!("applied {name}"));
    }
    if applied.is_empty() {
        output::line("the database is up to date");
    }
    store.close().await;
    Ok(())
}

pub(super) fn check_config(config: &Config) -> Outcome {
    let files = [
        ("server.tls_certificate", &config.server.tls_certificate),
        ("server.tls_key", &config.server.tls_key),
        ("outbound.extra_ca_file", &config.outbound.extra_ca_file),
    ];
    for (key, path) in files {
        if let Some(path) = path {
            readable(key, path)?;
        }
    }
    crate::mail::check(config).map_err(|e| Failure(e.to_string()))?;
    output::line(crate::mail::destination(&config.mail));
    Pages::new(&config.branding).map_err(|e| Failure(e.to_string()))?;
    for warning in config.warnings() {
        output::line(format_args!("not fit for production: {warning}"));
    }
    output::line(format_args!(
        "the configuration is valid; the issuer is {}",
        config.server.issuer
    ));
    Ok(())
}

fn readable(key: &str, path: &Path) -> Outcome {
    match std::fs::File::open(path) {
        Ok(_) => Ok(()),
        Err(e) => Err(Failure(format!(
            "{key}: {} cannot be read ({e}); name a file this user may read",
            path.display()
        ))),
    }
}

pub(super) async fn setup_link(context: &Context) -> Outcome {
    let link = setup::link(&context.store, &context.config, context.now).await;
    output::line(link.map_err(|e| Failure(e.to_string()))?);
    Ok(())
}
