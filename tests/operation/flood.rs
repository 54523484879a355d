//! More sign-ins than can be checked.

use std::sync::Arc;

use axum::body::Body;
use chancery::config::{Config, Rate};
use chancery::passwords::{Params, Passwords};
use chancery::{declarative, router, server};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use protocol::time::Lifetime;
use tower::ServiceExt as _;

use crate::support::{Server, basic};

const FORM: &str = "grant_type=password&username=alice&password=correct%20horse%20battery%20staple";

#[tokio::test]
async fn what_cannot_be_checked_soon_is_sent_away_and_the_rest_succeeds() {
    let running = Server::start().await;
    let many = Rate {
        count: 10_000,
        per: Lifetime::minutes(1),
    };
    let mut config: Config = running.config.clone();
    config.rate_limits.sign_in_per_address = many;
    config.rate_limits.sign_in_per_account = many;
    let mut app = server::open(config, running.clock.clone()).await.unwrap();
    // One thread that is slow enough to be found at work, and one place to wait.
    app.passwords = Passwords::new(Params::new(19_456, 2, 1, None).unwrap(), 1, 1);
    let declaration = "[[account]]\nusername = \"alice\"\npassword = \"correct horse battery staple\"\n";
    declarative::apply_text(&app.store, &app.sealer, &app.passwords, declaration, app.now())
        .await
        .unwrap();
    let service = router::router(Arc::new(app));
    let sign_in = || {
        let request = http::Request::post("/token")
            .header(HOST, "localhost")
            .header(
                AUTHORIZATION,
                basic("cli", "cli-secret-of-more-than-32-characters"),
            )
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(FORM))
            .unwrap();
        service.clone().oneshot(request)
    };
    let answers = futures_util::future::join_all((0..32).map(|_| sign_in())).await;
    let (mut good, mut surplus) = (0, 0);
    for answer in answers {
        let answer = answer.unwrap();
        match answer.status().as_u16() {
            200 => good += 1,
            503 => {
                assert_eq!(answer.headers()[RETRY_AFTER], "1");
                surplus += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert!(good >= 1 && surplus >= 1, "{good} good, {surplus} sent away");
    assert_eq!(sign_in().await.unwrap().status(), 200);
}
