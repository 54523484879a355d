//! Links that an administrator makes on the command line.

use super::Machine;

fn inviting(machine: &Machine) {
    machine.write("chancery.toml", "[accounts]\nregistration = \"invite\"\n");
}

#[tokio::test]
async fn an_invitation_is_mailed_or_printed() {
    let machine = Machine::with_sample();
    inviting(&machine);
    let said = machine.ok("account invite Frank@Example.org");
    assert_eq!(said, "invited Frank@example.org; the server sends the mail\n");
    let link = machine.ok("account invite frank@example.org --print --language de");
    assert!(
        link.starts_with("http://localhost:8080/sign-up?invite=link_"),
        "{link}"
    );
    let events = machine.ok("audit list");
    assert_eq!(events.matches("account.invited").count(), 2, "{events}");
    assert!(!events.contains("example.org"), "{events}");
}

#[tokio::test]
async fn an_invitation_that_leads_nowhere_is_refused() {
    let machine = Machine::with_sample();
    assert!(
        machine
            .refusal("account invite frank@example.org")
            .contains("accounts.registration")
    );
    inviting(&machine);
    for (line, says) in [
        ("account invite frank", "is no mail address"),
        ("account invite ALICE@example.test", "already signs in"),
        (
            "account invite frank@example.org --language xx",
            "no language \"xx\"",
        ),
    ] {
        let refusal = machine.refusal(line);
        assert!(refusal.contains(says), "{line}: {refusal}");
    }
}

#[tokio::test]
async fn a_reset_link_is_printed_for_who_may_sign_in() {
    let machine = Machine::with_sample();
    let link = machine.ok("account reset-link ALICE");
    assert!(link.starts_with("http://localhost:8080/reset?t=link_"), "{link}");
    assert!(machine.ok("audit list").contains("password.reset_link_made"));
    for (line, says) in [
        ("account reset-link ghost", "there is no account"),
        ("account reset-link dave", "may not sign in"),
    ] {
        let refusal = machine.refusal(line);
        assert!(refusal.contains(says), "{line}: {refusal}");
    }
}
