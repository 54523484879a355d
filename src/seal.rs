//! Encryption of what rests in the database or travels through a browser: AES-256-GCM under keys that are
//! derived from the master keys, each sealed value bound to what it is.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::{Zeroize as _, Zeroizing};

use crate::random;

const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 4;
const HEADER_LEN: usize = 1 + KEY_ID_LEN + NONCE_LEN;

/// A ring of keys: the first seals, all of them open.
pub struct Sealer {
    first: Key,
    older: Vec<Key>,
}

struct Key {
    id: [u8; KEY_ID_LEN],
    aead: LessSafeKey,
    prk: Prk,
}

impl Key {
    fn new(mut master: [u8; 32]) -> Key {
        let prk = Salt::new(HKDF_SHA256, b"chancery master key").extract(&master);
        master.zeroize();
        let mut id = [0; KEY_ID_LEN];
        expand(&prk, "key id", &mut id);
        let mut key = Zeroizing::new([0; 32]);
        expand(&prk, "seal", key.as_mut_slice());
        match UnboundKey::new(&AES_256_GCM, key.as_slice()) {
            Ok(unbound) => Key {
                id,
                aead: LessSafeKey::new(unbound),
                prk,
            },
            Err(error) => random::give_up("an encryption key cannot be made", &error),
        }
    }
}

/// Fills `out` with HKDF-Expand output for `label` (RFC 5869 §2.3).
fn expand(prk: &Prk, label: &str, out: &mut [u8]) {
    let info = [label.as_bytes()];
    if let Err(error) = prk
        .expand(&info, OutputLen(out.len()))
        .and_then(|okm| okm.fill(out))
    {
        random::give_up("a key cannot be derived", &error);
    }
}

struct OutputLen(usize);

impl aws_lc_rs::hkdf::KeyType for OutputLen {
    fn len(&self) -> usize {
        self.0
    }
}

impl Sealer {
    /// A ring of one key.
    pub fn new(master_key: [u8; 32]) -> Sealer {
        Sealer {
            first: Key::new(master_key),
            older: Vec::new(),
        }
    }

    /// A ring that seals with `first` and also opens what the `older` keys sealed.
    pub fn with_older(first: [u8; 32], older: impl IntoIterator<Item = [u8; 32]>) -> Sealer {
        Sealer {
            first: Key::new(first),
            older: older.into_iter().map(Key::new).collect(),
        }
    }

    /// Encrypts `plain`; only the same `context` opens it again.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = random::bytes();
        let mut header = Vec::with_capacity(HEADER_LEN + plain.len() + AES_256_GCM.tag_len());
        header.push(VERSION);
        header.extend_from_slice(&self.first.id);
        header.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        let sealed = self.first.aead.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(context.as_bytes()),
            &mut body,
        );
        if let Err(error) = sealed {
            random::give_up("a value cannot be sealed", &error);
        }
        header.append(&mut body);
        header
    }

    /// Decrypts what a key of the ring sealed under the same `context`.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (&[version], rest) = sealed.split_first_chunk::<1>()?;
        let (id, rest) = rest.split_first_chunk::<KEY_ID_LEN>()?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>()?;
        if version != VERSION {
            return None;
        }
        let key = std::iter::once(&self.first)
            .chain(&self.older)
            .find(|key| key.id == *id)?;
        let mut body = body.to_vec();
        let aad = Aad::from(context.as_bytes());
        let length = key
            .aead
            .open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut body)
            .ok()?
            .len();
        body.truncate(length);
        Some(body)
    }

    /// Whether an older key than the first sealed it, so that it should be sealed anew.
    pub fn is_outdated(&self, sealed: &[u8]) -> bool {
        sealed.get(1..1 + KEY_ID_LEN) != Some(&self.first.id[..])
    }

    /// [`Sealer::seal`] as base64url, for a URL or a hidden field.
    pub fn seal_text(&self, context: &str, plain: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.seal(context, plain))
    }

    /// [`Sealer::open`] of base64url.
    pub fn open_text(&self, context: &str, sealed: &str) -> Option<Vec<u8>> {
        self.open(context, &URL_SAFE_NO_PAD.decode(sealed).ok()?)
    }

    /// A key of its own for the use named by `label` (RFC 5869).
    pub fn derive(&self, label: &str) -> [u8; 32] {
        let mut key = [0; 32];
        expand(&self.first.prk, &format!("derive/{label}"), &mut key);
        key
    }

    /// The keys of that use from every master key, the one in use first: for what older ones have signed.
    pub fn derive_all(&self, label: &str) -> Vec<[u8; 32]> {
        let ring = std::iter::once(&self.first).chain(&self.older);
        let derived = ring.map(|master| {
            let mut key = [0; 32];
            expand(&master.prk, &format!("derive/{label}"), &mut key);
            key
        });
        derived.collect()
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

/// Why the master keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file cannot be read or made.
    #[error("keys.master_key_file: {} cannot be used ({})", .0.display(), .1)]
    Io(PathBuf, io::Error),
    /// There is no file, and one made anew would open nothing.
    #[error(
        "keys.master_key_file: there is no file {}; restore from its backup the one this database was sealed with, or \
         name where it lies",
        .0.display()
    )]
    Missing(PathBuf),
    /// The file does not hold what it should.
    #[error(
        "keys.master_key_file: {} must hold one base64-encoded 32-byte key a line, the one in use first",
        .0.display()
    )]
    Invalid(PathBuf),
}

/// Reads the ring from `path`, one base64 key a line.
pub fn load(path: &Path) -> Result<Sealer, MasterKeyError> {
    match fs::read_to_string(path) {
        Ok(text) => parse(&Zeroizing::new(text)).ok_or_else(|| MasterKeyError::Invalid(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(MasterKeyError::Missing(path.to_owned()))
        }
        Err(error) => Err(MasterKeyError::Io(path.to_owned(), error)),
    }
}

/// Reads the ring from `path`, or makes the file (mode 0600) with one new key. Only for a database that holds nothing
/// sealed: see [`crate::keys::master_key`].
pub fn load_or_create(path: &Path) -> Result<Sealer, MasterKeyError> {
    match load(path) {
        Err(MasterKeyError::Missing(_)) => {
            create(path).map_err(|error| MasterKeyError::Io(path.to_owned(), error))?;
            load(path)
        }
        other => other,
    }
}

fn parse(text: &str) -> Option<Sealer> {
    let mut keys = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let bytes = Zeroizing::new(STANDARD.decode(line).ok()?);
            <[u8; 32]>::try_from(bytes.as_slice()).ok()
        });
    let first = keys.next()??;
    let older = keys.collect::<Option<Vec<_>>>()?;
    Some(Sealer::with_older(first, older))
}

/// Writes beside the final name and links: of two nodes starting at once both end up with the same whole file.
fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", random::uuid().simple()));
    let draft = PathBuf::from(name);
    let written = write_key(&draft).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    let removed = fs::remove_file(&draft);
    written.and(removed)
}

fn write_key(path: &Path) -> io::Result<()> {
    let key = Zeroizing::new(random::bytes::<32>());
    let line = Zeroizing::new(format!("{}\n", STANDARD.encode(key.as_slice())));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// Whether others than its owner may use the file.
pub fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_only_in_its_context() {
        let sealer = Sealer::new([7; 32]);
        let sealed = sealer.seal("totp/1", b"secret");
        assert_eq!(sealer.open("totp/1", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(sealer.open("totp/2", &sealed), None);
        assert_eq!(Sealer::new([8; 32]).open("totp/1", &sealed), None);
        assert_ne!(sealed, sealer.seal("totp/1", b"secret"));
    }

    #[test]
    fn no_byte_of_a_sealed_value_may_change_or_miss() {
        let sealer = Sealer::new([7; 32]);
        let sealed = sealer.seal("c", b"secret");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(sealer.open("c", &changed), None, "byte {at}");
            assert_eq!(sealer.open("c", &sealed[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn an_older_key_still_opens() {
        let sealed = Sealer::new([1; 32]).seal("c", b"old");
        let ring = Sealer::with_older([2; 32], [[1; 32]]);
        assert_eq!(ring.open("c", &sealed).as_deref(), Some(&b"old"[..]));
        assert!(ring.is_outdated(&sealed));
        assert!(!ring.is_outdated(&ring.seal("c", b"new")));
    }

    #[test]
    fn derived_keys_differ_by_label_and_stay_the_same() {
        let sealer = Sealer::new([7; 32]);
        assert_eq!(sealer.derive("csrf"), Sealer::new([7; 32]).derive("csrf"));
        assert_ne!(sealer.derive("csrf"), sealer.derive("pairwise"));
        let ring = Sealer::with_older([8; 32], [[7; 32]]);
        assert_eq!(
            ring.derive_all("csrf"),
            [ring.derive("csrf"), sealer.derive("csrf")]
        );
    }

    #[test]
    fn the_key_file_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/master.key");
        assert!(matches!(load(&path), Err(MasterKeyError::Missing(_))));
        assert!(!path.exists());
        let sealed = load_or_create(&path).unwrap().seal_text("c", b"x");
        assert_eq!(
            load_or_create(&path).unwrap().open_text("c", &sealed).unwrap(),
            b"x"
        );
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert!(!is_open_to_others(&path));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(is_open_to_others(&path));
        fs::write(&path, "short\n").unwrap();
        assert!(matches!(load_or_create(&path), Err(MasterKeyError::Invalid(_))));
    }
}
