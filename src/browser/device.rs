//! Browsers that have signed an account in before. Wrong passwords from elsewhere do not count against them, so that a
//! stranger who guesses cannot shut the owner out.

use axum::http::HeaderMap;
use protocol::id::AccountId;
use protocol::time::{Lifetime, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cookies;
use crate::app::App;
use crate::random;

const DEVICE: &str = "device";
const LIFETIME: Lifetime = Lifetime::days(180);

/// A known browser of an account. Nothing of it is stored: the browser keeps it, sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The account it signed in.
    #[serde(rename = "a")]
    pub account: AccountId,
    /// What sets it apart from others of the account.
    #[serde(rename = "d")]
    pub id: Uuid,
    /// When it last signed in.
    #[serde(rename = "t")]
    pub issued_at: Timestamp,
}

/// The account that this browser is known of.
pub fn known(app: &App, request: &HeaderMap) -> Option<Device> {
    let sealed = cookies(app).read(request, DEVICE)?;
    let json = app.sealer.open_text(DEVICE, sealed)?;
    let device: Device = serde_json::from_slice(&json).ok()?;
    (device.issued_at + LIFETIME > app.now()).then_some(device)
}

/// Keeps a browser known past a change of password, after which those of before are strangers.
pub fn keep(app: &App, account: AccountId, request: &HeaderMap, answer: &mut HeaderMap) {
    if known(app, request).is_some_and(|device| device.account == account) {
        remember(app, account, Some(request), answer);
    }
}

/// Makes the browser known, after all factors that the account has were proved.
pub(super) fn remember(app: &App, account: AccountId, request: Option<&HeaderMap>, answer: &mut HeaderMap) {
    let before = request
        .and_then(|request| known(app, request))
        .filter(|device| device.account == account);
    let device = Device {
        account,
        id: before.map_or_else(random::uuid, |device| device.id),
        issued_at: app.now(),
    };
    let json = serde_json::to_vec(&device).unwrap_or_default();
    let sealed = app.sealer.seal_text(DEVICE, &json);
    cookies(app).put(answer, DEVICE, &sealed, Some(LIFETIME));
}
