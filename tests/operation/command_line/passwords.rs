//! Passwords at the command line: which are taken, and what an administrator can put right.

use store::Conn;

use super::Machine;
use crate::support::{Browser, Server};

#[tokio::test]
async fn no_weak_password_is_set() {
    let machine = Machine::with_sample();
    for (password, says) in [
        ("tiny", "too short"),
        ("123456789qwerty", "most common"),
        ("abcabcabcabcabcabcabc", "easily guessed"),
        ("alice and the umbrella", "name or address"),
        ("correct horse battery staple", "is or was the password"),
    ] {
        let ran = machine.run_with("account set-password alice --password-stdin", password);
        assert_eq!(ran.code, Some(1), "{password}: {ran:?}");
        assert!(ran.err.contains(says), "{password}: {}", ran.err);
        assert!(!ran.err.contains(password), "{}", ran.err);
    }
    let ran = machine.run_with(
        "account create walter --password-stdin",
        "walter and the umbrella",
    );
    assert!(
        ran.code == Some(1) && ran.err.contains("name or address"),
        "{ran:?}"
    );
    assert!(machine.refusal("account show walter").contains("walter"));
    let line = "account set-password alice --password-stdin";
    machine.ok_with(line, "violin gravel umbrella");
    let again = machine.run_with(line, "correct horse battery staple");
    assert!(again.err.contains("is or was the password"), "{again:?}");
}

#[tokio::test]
async fn a_password_set_for_somebody_is_to_be_changed_and_the_owner_is_told() {
    let server = Server::start().await;
    let machine = Machine::beside(&server);
    for (flag, password, asked) in [
        ("", "violin gravel umbrella", true),
        ("--must-change", "lantern pebble orchard", true),
        ("--must-change=false", "harbour copper thistle", false),
    ] {
        machine.ok_with(
            &format!("account set-password alice {flag} --password-stdin"),
            password,
        );
        let waiting = super::waiting(&server).await;
        assert!(waiting.contains(&"password-changed".to_owned()), "{waiting:?}");
        let page = Browser::new(&server)
            .sign_in(&server.authorize(&[]), "alice", password)
            .await;
        assert_eq!(
            page.body.contains("name=\"new_password\""),
            asked,
            "{flag}: {}",
            page.body
        );
    }
}

#[tokio::test]
async fn the_last_who_may_do_everything_stays_whoever_has_a_shell() {
    let server = Server::start().await;
    let machine = Machine::beside(&server);
    machine.ok("account create root --email root@example.test --role super_admin");
    for line in ["account disable root", "account delete root"] {
        assert!(machine.refusal(line).contains("nobody would be left"), "{line}");
    }
    machine.ok("account create second --email second@example.test --role super_admin");
    machine.ok("account disable root");
    machine.ok("account delete root");
}

#[tokio::test]
async fn an_administrator_unlocks_an_account() {
    let server = Server::start().await;
    let id = server.account_id("alice").await;
    let guess = async move |db: &mut Conn| {
        for _ in 0..100 {
            store::passwords::count_failure(db, Some(id)).await?;
        }
        Ok(())
    };
    server.running.app.store.write(guess).await.unwrap();
    let sign_in = async || {
        let answer = Browser::new(&server)
            .sign_in(&server.authorize(&[]), "alice", "correct horse battery staple")
            .await;
        answer.header("location").is_some()
    };
    assert!(!sign_in().await);
    let machine = Machine::beside(&server);
    machine.ok("account unlock ALICE@example.test");
    assert!(sign_in().await);
    assert!(machine.ok("audit list").contains("account.unlocked"));
    assert!(
        machine
            .refusal("account unlock ghost")
            .contains("there is no account")
    );
}
