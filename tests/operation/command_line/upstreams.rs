//! Upstream providers at the command line: the secret goes in, and never comes out.

use super::Machine;

const SECRET: &str = "what-the-provider-gave-us";

#[tokio::test]
async fn an_upstream_is_made_shown_changed_and_removed() {
    let machine = Machine::new();
    let create =
        "upstream create corp --issuer https://corp.example.test --client-id chancery --secret-stdin";
    let made = machine.ok_with(create, SECRET);
    assert!(made.contains("/login/upstream/corp/callback"), "{made}");
    assert!(machine.refusal(create).contains("exists"));
    machine.ok("upstream update corp --title Corporate --trusted-email-domain example.test --enabled false");
    let shown = machine.json("upstream show corp --json");
    assert_eq!(
        (&shown["title"], &shown["enabled"]),
        (&"Corporate".into(), &false.into())
    );
    assert_eq!(shown["trusted_email_domains"][0], "example.test");
    assert_eq!(machine.json("upstream list --json")[0]["name"], "corp");
    for line in [
        "upstream show corp",
        "upstream show corp --json",
        "upstream list --json",
        "export",
        "audit list --json",
    ] {
        let said = machine.ok(line);
        assert!(
            !said.contains(SECRET) && !said.contains("sealed"),
            "{line}: {said}"
        );
    }
    let kinds = machine.ok("audit list");
    assert!(
        kinds.contains("upstream.created") && kinds.contains("upstream.updated"),
        "{kinds}"
    );
    machine.ok("upstream delete corp");
    assert!(machine.refusal("upstream show corp").contains("upstream list"));
    assert!(machine.refusal("upstream delete corp").contains("upstream list"));
}

#[tokio::test]
async fn an_upstream_that_cannot_work_is_not_made() {
    let machine = Machine::new();
    for (line, secret, says) in [
        (
            "upstream create corp --issuer https://corp.example.test --client-id c",
            "",
            "secret",
        ),
        (
            "upstream create corp --issuer http://corp.example.test --client-id c --secret-stdin",
            SECRET,
            "https",
        ),
        (
            "upstream create corp --issuer https://corp.example.test --client-id c --secret-stdin --scope email",
            SECRET,
            "openid",
        ),
        (
            "upstream create corp --issuer https://corp.example.test --client-id c --secret-stdin --auth-method none",
            SECRET,
            "client_secret_basic",
        ),
    ] {
        let ran = machine.run_with(line, secret);
        assert_eq!(ran.code, Some(1), "{line}: {ran:?}");
        assert!(
            ran.err.contains(says) && !ran.err.contains(SECRET),
            "{line}: {ran:?}"
        );
    }
    assert_eq!(machine.json("upstream list --json"), serde_json::json!([]));
}
