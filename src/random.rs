//! Randomness from the operating system.

use protocol::secret::Secret;
use uuid::Uuid;
use zeroize::Zeroizing;

/// `N` unpredictable bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    if let Err(error) = getrandom::fill(&mut buffer) {
        give_up("the operating system gives no randomness", &error);
    }
    buffer
}

/// A bearer secret of 256 bits behind `prefix`.
pub fn secret(prefix: &str) -> Secret {
    let bytes = Zeroizing::new(bytes::<32>());
    Secret::from_random(prefix, &bytes)
}

/// A random (version 4) UUID.
pub fn uuid() -> Uuid {
    uuid::Builder::from_random_bytes(bytes()).into_uuid()
}

/// Ends the process: going on without randomness or encryption would be worse than stopping.
pub(crate) fn give_up(what: &str, error: &dyn std::fmt::Display) -> ! {
    tracing::error!(%error, "{what}; stopping");
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_differ() {
        assert_ne!(secret("at_").hash(), secret("at_").hash());
        assert_ne!(bytes::<16>(), bytes::<16>());
        assert_eq!(uuid().get_version_num(), 4);
    }
}
