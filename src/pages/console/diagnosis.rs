//! Why something does not work.

use serde::Serialize;

use crate::diagnosis::Check;
use crate::diagnosis::report::Risk;
use crate::diagnosis::token::Inspection;

/// Why somebody cannot sign in, and how safe their account is.
#[derive(Clone, Debug, Serialize)]
pub struct UserDiagnosis {
    /// The account.
    pub id: String,
    /// Its name.
    pub username: String,
    /// What sign-in asks for, and how it stands.
    pub sign_in: Vec<Check>,
    /// How much there is to fear.
    pub risk: Risk,
    /// What that was concluded from.
    pub report: Vec<Check>,
}

/// What a token is, and whether the installation is sound.
#[derive(Clone, Debug, Serialize)]
pub struct DiagnosisPage {
    /// A token that was looked at.
    pub token: Option<InspectedToken>,
    /// Checks of the installation; nothing where they may not be seen.
    pub installation: Option<Vec<Check>>,
}

/// A token that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedToken {
    /// What it is.
    #[serde(flatten)]
    pub found: Inspection,
    /// The header of a JWT as text.
    pub header_text: String,
    /// The claims of a JWT as text.
    pub claims_text: String,
}
