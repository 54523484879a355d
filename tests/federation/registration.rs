//! `[[upstream]]` and `chancery upstream`: registered as written, its secret never shown.

use chancery::declarative::{self, File, Tools};
use store::Conn;

use super::provider::Provider;
use crate::support::Server;

const SECRET: &str = "a secret: for corp";

async fn export(server: &Server) -> String {
    let export = async |db: &mut Conn| declarative::export(db).await;
    server.running.app.store.read(export).await.unwrap()
}

async fn stored(server: &Server) -> Option<store::StoredUpstream> {
    let find = async |db: &mut Conn| store::upstreams::find(db, "corp").await;
    server.running.app.store.read(find).await.unwrap()
}

async fn apply(server: &Server, text: &str, prune: bool) -> Result<Vec<String>, String> {
    let app = &server.running.app;
    let tools = Tools {
        sealer: &app.sealer,
        passwords: &app.passwords,
        accounts: &app.config.accounts,
        now: app.now(),
    };
    let file = File::parse(text).map_err(|error| error.to_string())?;
    let applied = declarative::apply(&app.store, &file, prune, &tools)
        .await
        .map_err(|error| error.to_string())?;
    Ok(applied.plan.changes.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn applying_twice_changes_nothing_and_only_what_differs_is_said() {
    let provider = Provider::start().await;
    let server = Server::start().await;
    let entry = provider.entry("");
    assert_eq!(apply(&server, &entry, false).await.unwrap(), ["+ upstream corp"]);
    assert!(apply(&server, &entry, false).await.unwrap().is_empty());
    let changed = entry
        .replace("Corporate", "The corporation")
        .replace(SECRET, "another secret");
    assert_eq!(
        apply(&server, &changed, false).await.unwrap(),
        ["~ upstream corp: title, client_secret"]
    );
    // Without a secret the one that is stored stays.
    let kept = changed.replace("client_secret = \"another secret\"\n", "");
    assert!(apply(&server, &kept, false).await.unwrap().is_empty());
    assert!(stored(&server).await.unwrap().secret_sealed.is_some());
}

#[tokio::test]
async fn pruning_takes_it_away() {
    let provider = Provider::start().await;
    let server = Server::start().await;
    apply(&server, &provider.entry(""), false).await.unwrap();
    assert!(apply(&server, "", false).await.unwrap().is_empty());
    let lines = apply(&server, "", true).await.unwrap();
    assert!(lines.contains(&"- upstream corp".to_owned()), "{lines:?}");
    assert!(stored(&server).await.is_none());
}

#[tokio::test]
async fn the_secret_is_sealed_and_never_exported() {
    let provider = Provider::start().await;
    let server = provider
        .relied_on("trusted_email_domains = [\"example.test\"]")
        .await;
    let exported = export(&server).await;
    assert!(exported.contains("[[upstream]]\n"), "{exported}");
    assert!(!exported.contains(SECRET) && !exported.contains("client_secret ="));
    let held = stored(&server).await.unwrap();
    let sealed = held.secret_sealed.clone().unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("secret"));
    // What is exported can be applied again.
    let again = exported
        .split("\n\n")
        .find(|block| block.contains("[[upstream]]"))
        .unwrap();
    assert!(apply(&server, again, false).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_entry_is_refused_with_its_line() {
    let server = Server::start().await;
    let good = "[[upstream]]\nname = \"corp\"\nissuer = \"https://corp.test\"\nclient_id = \"c\"\n";
    for (text, says) in [
        (good.to_owned(), "line 1: upstream corp: client_secret is missing"),
        (
            good.replace("https://corp.test", "http://corp.test"),
            "line 3: upstream.issuer: must be an https URL",
        ),
        (
            good.replace("corp\"", "Corp!\""),
            "line 2: upstream.name: must be",
        ),
        (
            format!("{good}scope = \"email\""),
            "line 5: upstream.scope: must hold openid",
        ),
        (
            format!("{good}token_endpoint_auth_method = \"none\""),
            "line 5: upstream.token_endpoint_auth_method",
        ),
        (
            format!("{good}trusted_email_domain = []"),
            "did you mean trusted_email_domains?",
        ),
        (
            format!("{good}client_secret = \"x\"\n{good}"),
            "line 6: upstream \"corp\" is already on line 1",
        ),
        (
            format!("{good}client_secret = \"a\\nb\""),
            "the client secret must be 1 to 4096 characters",
        ),
    ] {
        let error = apply(&server, &text, false).await.unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
        assert!(stored(&server).await.is_none());
    }
}
