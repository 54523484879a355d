//! Argon2 hashes as text, in PHC form.

use argon2::{Algorithm, Params, Version};
use password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};

/// Bytes of a hash of ours.
pub(super) const OUTPUT_LEN: usize = 32;
/// Bytes of a salt of ours.
pub(super) const SALT_LEN: usize = 16;
/// Imported hashes may cost this much at most: 256 MiB, 16 passes, 16 lanes.
const MAX_COST: (u32, u32, u32) = (256 * 1024, 16, 16);

/// A hash taken apart.
pub(super) struct Stored {
    pub(super) algorithm: Algorithm,
    pub(super) version: Version,
    pub(super) params: Params,
    pub(super) salt: Salt,
    pub(super) output: Output,
}

impl Stored {
    /// `None` for what is no Argon2 hash, or one that would cost too much to check.
    pub(super) fn parse(text: &str) -> Option<Stored> {
        let phc = PasswordHash::new(text).ok()?;
        let params = Params::try_from(&phc).ok()?;
        let (memory, passes, lanes) = MAX_COST;
        if params.m_cost() > memory || params.t_cost() > passes || params.p_cost() > lanes {
            return None;
        }
        Some(Stored {
            algorithm: Algorithm::try_from(phc.algorithm.as_str()).ok()?,
            version: phc
                .version
                .map_or(Some(Version::V0x10), |number| Version::try_from(number).ok())?,
            params,
            salt: phc.salt?,
            output: phc.hash?,
        })
    }

    /// Whether a new hash would be made in the same way.
    pub(super) fn is_current(&self, wanted: &Params) -> bool {
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.params.m_cost() == wanted.m_cost()
            && self.params.t_cost() == wanted.t_cost()
            && self.params.p_cost() == wanted.p_cost()
            && self.output.as_bytes().len() == OUTPUT_LEN
    }
}

/// The text of an Argon2id hash.
pub(super) fn text(params: &Params, salt: &[u8], output: &[u8]) -> Option<String> {
    let phc = PasswordHash {
        algorithm: Ident::new("argon2id").ok()?,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).ok()?,
        salt: Some(Salt::new(salt).ok()?),
        hash: Some(Output::new(output).ok()?),
    };
    Some(phc.to_string())
}
