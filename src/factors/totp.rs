//! Enrolling an authenticator app: a secret that exists only once its first code was right (RFC 6238).

use protocol::id::{AccountId, SessionId};
use protocol::secret::{Secret, TokenHash};
use protocol::time::{Lifetime, Timestamp};
use qrcode::{Color, EcLevel, QrCode};
use serde::{Deserialize, Serialize};
use store::{Conn, StoreError, TotpFactor};
use url::form_urlencoded;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::app::App;
use crate::browser::Current;
use crate::random;
use crate::totp;

const PENDING: &str = "totp-pending";

/// How long a person may take to set the app up.
const LIFETIME: Lifetime = Lifetime::minutes(15);

/// A secret that is shown but not yet confirmed. It travels sealed with the form and belongs to one session.
#[derive(Serialize, Deserialize)]
struct Pending {
    id: Uuid,
    session: SessionId,
    account: AccountId,
    secret: String,
    expires_at: Timestamp,
}

/// What the person needs to set the app up.
pub struct Draft {
    /// Comes back with the first code.
    pub sealed: String,
    /// The secret in base32, to type, in groups of four.
    pub secret: Secret,
    /// The same to scan.
    pub qr: Qr,
}

/// A square of dark and light modules, as the path of an SVG image one unit a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Qr {
    /// The modules on each side, with the quiet zone.
    pub size: usize,
    /// The dark ones.
    pub path: String,
}

/// Makes a secret for this session.
pub fn begin(app: &App, current: &Current, username: &str) -> Draft {
    let bytes = Zeroizing::new(random::bytes::<20>());
    let pending = Pending {
        id: random::uuid(),
        session: current.session.id,
        account: current.session.account_id,
        secret: totp::encode_base32(bytes.as_slice()),
        expires_at: app.now() + LIFETIME,
    };
    let json = Zeroizing::new(serde_json::to_vec(&pending).unwrap_or_default());
    draft(
        app,
        username,
        app.sealer.seal_text(PENDING, &json),
        &pending.secret,
    )
}

/// The draft that a form brought back, if it is of this session and not too old.
pub fn again(app: &App, current: &Current, username: &str, sealed: &str) -> Option<Draft> {
    let pending = open(app, current, sealed)?;
    Some(draft(app, username, sealed.to_owned(), &pending.secret))
}

fn draft(app: &App, username: &str, sealed: String, secret: &str) -> Draft {
    let issuer = &app.config.branding.name;
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    // Apps show a plus sign as it is.
    let (issuer, username) = (
        encode(issuer).replace('+', "%20"),
        encode(username).replace('+', "%20"),
    );
    let uri = Zeroizing::new(format!(
        "otpauth://totp/{issuer}:{username}?secret={secret}&issuer={issuer}"
    ));
    Draft {
        sealed,
        qr: qr(&uri),
        secret: grouped(secret),
    }
}

/// A secret in groups of four, as people type it best.
fn grouped(secret: &str) -> Secret {
    let mut text = Zeroizing::new(String::with_capacity(secret.len() * 5 / 4));
    for (at, c) in secret.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push(' ');
        }
        text.push(c);
    }
    Secret::new(text.as_str())
}

fn open(app: &App, current: &Current, sealed: &str) -> Option<Pending> {
    let json = Zeroizing::new(app.sealer.open_text(PENDING, sealed)?);
    let pending: Pending = serde_json::from_slice(&json).ok()?;
    let ours = pending.session == current.session.id && pending.account == current.session.account_id;
    (ours && pending.expires_at > app.now()).then_some(pending)
}

/// A generator whose first code was right, and what keeps it from being enrolled twice.
pub struct Confirmed {
    /// The generator; the step of that code is used up.
    pub factor: TotpFactor,
    /// Names the draft.
    pub once: TokenHash,
    /// When the draft ends.
    pub expires_at: Timestamp,
}

/// What came of the first code of a new generator.
pub enum Confirmation {
    /// It was right.
    Right(Box<Confirmed>),
    /// It was not.
    Wrong,
    /// The draft is not of this session, or too old.
    Expired,
}

/// Checks the first code of a draft.
pub fn confirm(app: &App, current: &Current, sealed: &str, code: &Secret, name: &str) -> Confirmation {
    let now = app.now();
    let Some(pending) = open(app, current, sealed) else {
        return Confirmation::Expired;
    };
    let Some(seed) = totp::decode_base32(&pending.secret) else {
        return Confirmation::Expired;
    };
    let Some(step) = totp::verify(&seed, code.expose(), now) else {
        return Confirmation::Wrong;
    };
    let id = random::uuid();
    Confirmation::Right(Box::new(Confirmed {
        factor: TotpFactor {
            id,
            account_id: pending.account,
            name: super::label(name, "Authenticator"),
            secret_sealed: app.sealer.seal(&format!("totp/{id}"), &seed),
            last_step: Some(step),
            created_at: now,
            last_used_at: Some(now),
        },
        once: TokenHash::of(&format!("{PENDING}/{}", pending.id)),
        expires_at: pending.expires_at,
    }))
}

/// The generator and the step that a code belongs to.
pub(super) async fn find_step(
    app: &App,
    id: AccountId,
    code: &Secret,
    now: Timestamp,
) -> Result<Option<(Uuid, i64)>, StoreError> {
    let factors = app
        .store
        .read(async move |db: &mut Conn| store::credentials::list_totp(db, id).await)
        .await?;
    let mut found = None;
    for factor in &factors {
        let context = format!("totp/{}", factor.id);
        let Some(seed) = app
            .sealer
            .open(&context, &factor.secret_sealed)
            .map(Zeroizing::new)
        else {
            tracing::error!(totp.id = %factor.id, "a TOTP secret cannot be opened with this master key");
            continue;
        };
        if let Some(step) = totp::verify(&seed, code.expose(), now) {
            found = Some((factor.id, step));
        }
    }
    Ok(found)
}

/// The quiet zone that readers expect around the code.
const QUIET: usize = 4;

fn qr(text: &str) -> Qr {
    use std::fmt::Write as _;
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else {
        return Qr::default();
    };
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at % width + QUIET, at / width + QUIET);
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    Qr {
        size: width + 2 * QUIET,
        path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_to_scan_is_a_square_with_a_quiet_zone() {
        let qr = qr("otpauth://totp/a:b?secret=JBSWY3DPEHPK3PXP");
        assert!((21 + 8..=80).contains(&qr.size));
        assert!(qr.path.starts_with("M4 4h1v1h-1z"));
        assert!(
            qr.path
                .chars()
                .all(|c| c.is_ascii_digit() || "Mhvz -".contains(c))
        );
    }
}
