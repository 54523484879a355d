//! Signing keys: their rotation, and how they rest.

use std::collections::BTreeSet;

use chancery::audit::Event;
use chancery::clock::Clock;
use chancery::keys::{JWKS_MAX_AGE, maintain, rotate_now};
use chancery::server::{self, open};
use protocol::jose::{Algorithm, KeySet, parse_unverified, verify};
use protocol::time::Lifetime;
use store::{Conn, StoredKey};

use crate::support::{Request, Server, basic};

const SECRET: &str = "m2m-secret-of-more-than-32-characters";

/// What the server does by itself every few seconds.
async fn look_after(server: &Server) {
    look_after_app(&server.running.app, &server.clock).await;
}

async fn look_after_app(app: &chancery::app::App, clock: &Clock) {
    maintain(&app.store, &app.sealer, &app.config, clock.now())
        .await
        .unwrap();
    app.keys
        .reload(&app.store, &app.sealer, clock.now())
        .await
        .unwrap();
}

async fn rotate(server: &Server) -> Vec<String> {
    let app = &server.running.app;
    let moved = rotate_now(
        &app.store,
        &app.sealer,
        Some(Algorithm::Rs256),
        server.clock.now(),
        &app.config,
        &|| Event::now(app, "key.rotated"),
    )
    .await;
    app.keys
        .reload(&app.store, &app.sealer, server.clock.now())
        .await
        .unwrap();
    moved.unwrap()
}

async fn token(server: &Server) -> String {
    let pairs = [("grant_type", "client_credentials"), ("scope", "books:read")];
    let answer = server.token_as("m2m", SECRET, &pairs).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.text("access_token")
}

fn kid(token: &str) -> String {
    parse_unverified(token).unwrap().kid.unwrap()
}

async fn published(server: &Server) -> BTreeSet<String> {
    let jwks = server.get("/jwks.json").await.json();
    let keys = jwks["keys"].as_array().unwrap().clone();
    let kids: BTreeSet<_> = keys
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kids.len(), keys.len(), "each kid is unique");
    kids
}

async fn is_active(server: &Server, token: &str) -> bool {
    let request =
        Request::form("/introspect", &[("token", token)]).header("authorization", basic("m2m", SECRET));
    server.send(request).await.json()["active"] == true
}

async fn stored(app: &chancery::app::App) -> Vec<StoredKey> {
    app.store
        .read(async |db: &mut Conn| store::keys::list(db).await)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_key_is_published_for_longer_than_the_jwks_may_be_cached_before_it_signs() {
    let server = Server::start().await;
    let answer = server.get("/jwks.json").await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(JWKS_MAX_AGE, Lifetime::seconds(300));
    look_after(&server).await;
    assert_eq!(rotate(&server).await, ["rs256-2"]);
    assert!(published(&server).await.contains("rs256-2"));
    server.advance(JWKS_MAX_AGE);
    assert_eq!(kid(&token(&server).await), "rs256-1");
    server.advance(Lifetime::seconds(30));
    assert_eq!(kid(&token(&server).await), "rs256-2");
}

#[tokio::test]
async fn a_token_of_the_old_key_is_good_until_it_expires_and_then_the_key_leaves() {
    let server = Server::start().await;
    look_after(&server).await;
    rotate(&server).await;
    server.advance(Lifetime::seconds(329));
    let last = token(&server).await;
    assert_eq!(kid(&last), "rs256-1");
    server.advance(Lifetime::seconds(1));
    assert_eq!(kid(&token(&server).await), "rs256-2");
    look_after(&server).await;
    server.advance(Lifetime::seconds(598));
    look_after(&server).await;
    let keys = KeySet::from_jwks(&server.get("/jwks.json").await.json()).unwrap();
    assert!(verify(&last, &keys, &Algorithm::SIGNING).is_ok());
    assert!(is_active(&server, &last).await);
    server.advance(Lifetime::seconds(1));
    assert!(!is_active(&server, &last).await, "it has expired");
    server.advance(server.config.sessions.absolute);
    look_after(&server).await;
    assert!(
        published(&server).await.contains("rs256-1"),
        "an ID token may come back as a hint for as long as a session lasts"
    );
    server.advance(Lifetime::seconds(1));
    look_after(&server).await;
    assert!(!published(&server).await.contains("rs256-1"));
    assert_eq!(kid(&token(&server).await), "rs256-2");
}

#[tokio::test]
async fn keys_follow_one_another_without_a_restart() {
    let server = Server::start_with(|config| config.keys.rotation = Lifetime::hours(1)).await;
    for number in 1..4 {
        look_after(&server).await;
        let (now, next) = (format!("rs256-{number}"), format!("rs256-{}", number + 1));
        assert!(
            published(&server)
                .await
                .is_superset(&BTreeSet::from([now.clone(), next]))
        );
        assert_eq!(kid(&token(&server).await), now);
        server.advance(Lifetime::hours(1));
    }
}

#[tokio::test]
async fn each_algorithm_has_a_key_and_no_private_part_is_published() {
    let server = Server::start().await;
    let jwks = server.get("/jwks.json").await.json();
    for key in jwks["keys"].as_array().unwrap() {
        for member in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
            assert!(key.get(member).is_none(), "{member} of {}", key["kid"]);
        }
        assert_eq!(key["use"], "sig");
    }
    let algorithms: BTreeSet<_> = stored(&server.running.app)
        .await
        .iter()
        .map(|key| key.algorithm.as_str())
        .collect();
    let wanted: BTreeSet<_> = server
        .config
        .keys
        .algorithms
        .iter()
        .map(|each| each.as_str())
        .collect();
    assert_eq!(algorithms, wanted);
}

#[tokio::test]
async fn private_keys_are_sealed_where_they_rest() {
    let server = Server::start().await;
    let app = &server.running.app;
    for row in stored(app).await {
        let der = app
            .sealer
            .open(&format!("key/{}", row.kid), &row.sealed)
            .expect("it opens under its own name");
        let pieces: BTreeSet<_> = der.windows(16).collect();
        assert!(
            !row.sealed.windows(16).any(|piece| pieces.contains(piece)),
            "{} lies open",
            row.kid
        );
        assert!(
            app.sealer.open("key/another", &row.sealed).is_none(),
            "{} opens under another name",
            row.kid
        );
    }
}

#[tokio::test]
async fn another_master_key_is_refused_with_the_cause() {
    let server = Server::start().await;
    let mut config = server.config.clone();
    config.keys.master_key_file.set_extension("other");
    let other = config.keys.master_key_file.clone();
    for foreign in [None, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")] {
        if let Some(foreign) = foreign {
            std::fs::write(&other, foreign).unwrap();
        }
        let refusal = open(config.clone(), server.clock.clone())
            .await
            .err()
            .expect("the keys cannot be opened")
            .to_string();
        assert!(
            refusal.contains("keys.master_key_file") && refusal.contains("restore"),
            "{refusal}"
        );
        assert_eq!(
            other.exists(),
            foreign.is_some(),
            "a key is made anew for no database"
        );
    }
}

#[tokio::test]
async fn servers_on_one_database_share_their_keys() {
    let server = Server::start().await;
    look_after(&server).await;
    let other = server::Server::start_at(server.config.clone(), server.clock.clone())
        .await
        .unwrap();
    look_after_app(&other.app, &server.clock).await;
    let jwks = Request::get("/jwks.json").send(other.address).await.body;
    assert_eq!(server.get("/jwks.json").await.body, jwks);
    rotate(&server).await;
    server.advance(Lifetime::seconds(330));
    look_after_app(&other.app, &server.clock).await;
    let pairs = [("grant_type", "client_credentials"), ("scope", "books:read")];
    let request = Request::form("/token", &pairs).header("authorization", basic("m2m", SECRET));
    let token = request.send(other.address).await.text("access_token");
    assert_eq!(kid(&token), "rs256-2");
    assert!(is_active(&server, &token).await);
}

#[tokio::test]
async fn servers_that_start_at_once_make_each_key_once() {
    let server = Server::start().await;
    server.running.shutdown().await;
    let app = open(server.config.clone(), server.clock.clone()).await.unwrap();
    for key in stored(&app).await {
        app.store
            .write(async move |db: &mut Conn| store::keys::delete(db, &key.kid).await)
            .await
            .unwrap();
    }
    let start = || open(server.config.clone(), server.clock.clone());
    let (one, two) = tokio::join!(start(), start());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(stored(&one).await.len(), server.config.keys.algorithms.len());
    let kids = |app: &chancery::app::App| -> BTreeSet<String> {
        let active = server.config.keys.algorithms.iter();
        active
            .map(|each| {
                app.keys
                    .ring()
                    .active(*each, server.clock.now())
                    .unwrap()
                    .kid()
                    .to_owned()
            })
            .collect()
    };
    assert_eq!(kids(&one), kids(&two));
}
