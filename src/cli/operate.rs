//! Running and preparing the server: `serve`, `migrate`, `check-config`, `setup-link`.

use store::Store;

use super::{Context, Failure, Outcome, output};
use crate::config::{Config, LogFormat};
use crate::fetch::Fetch;
use crate::pages::Pages;
use crate::web::server::tls;
use crate::{server, setup, telemetry};

pub(super) async fn serve(config: Config) -> Outcome {
    let json = config.log.format == LogFormat::Json;
    telemetry::init(json, &config.log.level).map_err(|e| Failure(e.to_string()))?;
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
    if let (Some(certificate), Some(key)) = (&config.server.tls_certificate, &config.server.tls_key) {
        tls::check(certificate, key).map_err(|e| Failure(e.to_string()))?;
    }
    Fetch::new(&[], config.outbound.extra_ca_file.as_deref())
        .map_err(|e| Failure(format!("{e}; name a PEM file with certificates of authorities")))?;
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

pub(super) async fn setup_link(context: &Context) -> Outcome {
    let link = setup::link(&context.store, &context.config, context.now).await;
    output::line(link.map_err(|e| Failure(e.to_string()))?);
    Ok(())
}
