//! A database is opened with the master key that it was sealed with, and with no other.

use std::path::Path;

use super::{Machine, run};

const PERSON: &str = "[[account]]\nusername = \"erin\"\ntotp_secret = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"\n";

/// What each command that seals or opens says with another key file.
fn refusals(machine: &Machine, key: &Path) {
    machine.write("person.toml", PERSON);
    machine.write("chancery.toml", "[server]\nlisten = \"127.0.0.1:0\"\n");
    for line in [
        "serve",
        "apply person.toml",
        "plan person.toml",
        "client create shop --redirect-uri https://shop.example/cb",
        "key rotate",
        "audit verify",
        "api-key create bob --name x",
    ] {
        let ran = run(machine.folder.path(), &machine.database, key, line, "");
        assert_eq!(ran.code, Some(1), "{line}: {ran:?}");
        assert!(
            ran.err.contains("keys.master_key_file") && ran.err.contains("restore"),
            "{line}: {ran:?}"
        );
    }
    assert!(machine.refusal("account show erin").contains("erin"));
    assert!(machine.refusal("client show shop").contains("shop"));
}

#[tokio::test]
async fn a_master_key_that_is_gone_is_not_made_anew() {
    let machine = Machine::with_sample();
    let elsewhere = machine.folder.path().join("elsewhere.key");
    refusals(&machine, &elsewhere);
    assert!(!elsewhere.exists());
}

#[tokio::test]
async fn nothing_is_sealed_with_the_key_of_another_database() {
    let (machine, other) = (Machine::with_sample(), Machine::with_sample());
    refusals(&machine, &other.master_key);
}

#[tokio::test]
async fn what_a_first_apply_seals_a_later_command_opens() {
    let machine = Machine::with_sample();
    let key = std::fs::read(&machine.master_key).unwrap();
    assert!(machine.ok("key list").contains("rs256-1"));
    machine.ok("audit verify");
    assert_eq!(std::fs::read(&machine.master_key).unwrap(), key);
}
