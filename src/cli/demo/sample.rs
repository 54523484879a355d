//! The sample data: one account with a second factor, three clients, two roles. Every secret is random.

use protocol::secret::Secret;
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use crate::clock::Clock;

pub(super) const WEB_CLIENT: &str = "demo-web";
pub(super) const SERVICE_CLIENT: &str = "demo-service";
pub(super) const BOOKS_CLIENT: &str = "demo-books";
pub(super) const USERNAME: &str = "alice";

const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aiou";
const STEP_SECONDS: i64 = 30;

/// Where the three servers are.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    pub(super) issuer: String,
    pub(super) relying_party: String,
    pub(super) resource: String,
}

impl Origins {
    pub(super) fn redirect_uri(&self) -> String {
        format!("{}/callback", self.relying_party)
    }

    pub(super) fn post_logout_redirect_uri(&self) -> String {
        format!("{}/", self.relying_party)
    }
}

pub(super) struct Sample {
    pub(super) origins: Origins,
    pub(super) pass_phrase: String,
    pub(super) totp: Totp,
    pub(super) web_secret: Secret,
    pub(super) service_secret: Secret,
    pub(super) books_secret: Secret,
}

impl Sample {
    pub(super) fn random(origins: Origins) -> Sample {
        Sample {
            origins,
            pass_phrase: pass_phrase(&crate::random::bytes::<12>()),
            totp: Totp(crate::random::bytes::<20>()),
            web_secret: crate::random::secret("demo_"),
            service_secret: crate::random::secret("demo_"),
            books_secret: crate::random::secret("demo_"),
        }
    }

    /// What `chancery apply` would read to make all this.
    pub(super) fn declarative(&self) -> String {
        // A JSON string of ASCII is also a TOML basic string.
        let text = |value: &str| json!(value).to_string();
        format!(
            r#"
[[role]]
name = "reader"
permissions = ["books:read"]

[[role]]
name = "editor"
permissions = ["books:read", "books:write"]

[[scope]]
name = "books:read"
description = "See your books"

[[scope]]
name = "books:write"
description = "Change your books"
requires = ["books:write"]

[[resource]]
identifier = {resource}
scopes = ["books:read", "books:write"]

[[client]]
client_id = "{WEB_CLIENT}"
client_secret = {web_secret}
client_name = "Demo bookshop"
redirect_uris = [{redirect_uri}]
post_logout_redirect_uris = [{post_logout_redirect_uri}]
grant_types = ["authorization_code", "refresh_token"]
response_types = ["code"]
token_endpoint_auth_method = "client_secret_basic"
scope = "{SCOPE}"
resources = [{resource}]
require_pkce = true
require_consent = true
authority_in_tokens = true

[[client]]
client_id = "{SERVICE_CLIENT}"
client_secret = {service_secret}
client_name = "Demo service"
grant_types = ["client_credentials"]
token_endpoint_auth_method = "client_secret_basic"
scope = "books:read"
resources = [{resource}]

[[client]]
client_id = "{BOOKS_CLIENT}"
client_secret = {books_secret}
client_name = "Demo resource server"
grant_types = ["client_credentials"]
token_endpoint_auth_method = "client_secret_basic"
resources = [{resource}]
may_introspect = true

[[account]]
username = "{USERNAME}"
email = "alice@example.test"
email_verified = true
password = {password}
roles = ["editor"]
totp_secret = {totp}
claims = {{ name = "Alice Example", given_name = "Alice", family_name = "Example" }}
"#,
            resource = text(&self.origins.resource),
            web_secret = text(self.web_secret.expose()),
            service_secret = text(self.service_secret.expose()),
            books_secret = text(self.books_secret.expose()),
            redirect_uri = text(&self.origins.redirect_uri()),
            post_logout_redirect_uri = text(&self.origins.post_logout_redirect_uri()),
            password = text(&self.pass_phrase),
            totp = text(&self.totp.base32()),
            SCOPE = std::iter::once("openid")
                .chain(SCOPES)
                .collect::<Vec<_>>()
                .join(" "),
        )
    }
}

/// What the relying party asks for, beside `openid`.
pub(super) const SCOPES: [&str; 5] = ["profile", "email", "offline_access", "books:read", "books:write"];

/// Four made-up words of three syllables: 72 bits, easy to read and type.
fn pass_phrase(random: &[u8; 12]) -> String {
    let mut text = String::new();
    for (index, byte) in random.iter().enumerate() {
        if index > 0 && index % 3 == 0 {
            text.push('-');
        }
        let consonant = CONSONANTS.get(usize::from(byte >> 4)).copied().unwrap_or(b'b');
        let vowel = VOWELS.get(usize::from(byte & 3)).copied().unwrap_or(b'a');
        text.push(char::from(consonant));
        text.push(char::from(vowel));
    }
    text
}

/// The secret of the second factor (RFC 6238), here in the part of the authenticator app.
pub(super) struct Totp([u8; 20]);

impl Totp {
    pub(super) fn base32(&self) -> String {
        crate::totp::encode_base32(&self.0)
    }

    /// What authenticator apps read.
    pub(super) fn uri(&self) -> String {
        let issuer: String = byte_serialize(b"Chancery").collect();
        format!(
            "otpauth://totp/{issuer}:{USERNAME}?secret={}&issuer={issuer}",
            self.base32()
        )
    }

    /// The code of this moment and how many seconds it stays.
    pub(super) fn now(&self) -> (String, i64) {
        let now = Clock::System.now();
        (
            crate::totp::code(&self.0, now),
            STEP_SECONDS - now.0.rem_euclid(STEP_SECONDS),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Sample {
        Sample::random(Origins {
            issuer: "http://localhost:1".into(),
            relying_party: "http://localhost:2".into(),
            resource: "http://localhost:3".into(),
        })
    }

    #[test]
    fn a_pass_phrase_reads_like_words() {
        assert_eq!(pass_phrase(&[0; 12]), "bababa-bababa-bababa-bababa");
        assert_ne!(sample().pass_phrase, sample().pass_phrase);
    }

    #[test]
    fn the_declarative_text_is_what_apply_reads() {
        let file = crate::declarative::File::parse(&sample().declarative()).unwrap();
        assert_eq!(
            (file.clients.len(), file.accounts.len(), file.roles.len()),
            (3, 1, 2)
        );
    }

    #[tokio::test]
    async fn apply_takes_it_and_changes_nothing_the_second_time() {
        let scratch = crate::cli::demo::scratch::Scratch::create().unwrap();
        let url = format!("sqlite:{}", scratch.path().join("chancery.db").display());
        let store = store::Store::open(&url, 2).await.unwrap();
        store.migrate().await.unwrap();
        let sealer = crate::seal::Sealer::new([7; 32]);
        let passwords =
            crate::passwords::Passwords::new(crate::passwords::Params::new(64, 1, 1, None).unwrap(), 1, 4);
        let text = sample().declarative();
        for first in [true, false] {
            let now = Clock::System.now();
            let applied = crate::declarative::apply_text(&store, &sealer, &passwords, &text, now)
                .await
                .unwrap();
            assert!(applied.generated.is_empty());
            assert_eq!(applied.plan.changes.is_empty(), !first);
        }
        store.close().await;
    }
}
