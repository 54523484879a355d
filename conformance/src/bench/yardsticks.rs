//! What costs are divided by: the bare signature and the bare hash. Both run on all cores at once, as they do in a
//! loaded server, because two busy threads of one core slow each other down.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::sign::Signer;

use super::load::as_f64;
use super::target::own_cpu;

const SIGNATURES: usize = 2000;
const HASHES: usize = 30;

/// One RSA-2048 signature with SHA-256 by the library that the server links, in µs.
pub(super) fn signature() -> Result<f64, String> {
    let key = Rsa::generate(2048).and_then(PKey::from_rsa);
    let key = key.map_err(|e| format!("no RSA key: {e}"))?;
    on_all_cores(SIGNATURES, || {
        let mut signer = Signer::new(MessageDigest::sha256(), &key).map_err(|e| e.to_string())?;
        signer
            .sign_oneshot_to_vec(&[7; 400])
            .map(drop)
            .map_err(|e| e.to_string())
    })
}

/// One Argon2id hash with the server's default parameters, its memory used again, in µs.
pub(super) fn hash() -> Result<f64, String> {
    let params = Params::new(19_456, 2, 1, None).map_err(|e| e.to_string())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    thread_local! {
        static MEMORY: std::cell::RefCell<Vec<Block>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    on_all_cores(HASHES, || {
        MEMORY.with_borrow_mut(|memory| {
            memory.resize(params.block_count(), Block::default());
            let mut out = [0; 32];
            argon2
                .hash_password_into_with_memory(b"a password", b"sixteen bytes...", &mut out, memory)
                .map_err(|e| e.to_string())
        })
    })
}

fn on_all_cores(count: usize, work: impl Fn() -> Result<(), String> + Sync) -> Result<f64, String> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let before = own_cpu()?;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|_| scope.spawn(|| (0..count).try_for_each(|_| work())))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a thread broke off".to_owned())?)
    })?;
    Ok((own_cpu()? - before) / as_f64(cores * count))
}
