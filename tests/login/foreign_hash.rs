//! Hashes of other systems: good for one sign-in, then replaced by ours.

use store::Conn;

use crate::support::{Browser, Server};

const PASSWORD: &str = "Tr0ub4dor & three more";
const HASHES: &[(&str, &str)] = &[
    (
        "bcrypt-b",
        "$2b$05$abcdefghijklmnopqrstuuNBbigV6l9XBT3Ab9EB47ITgYkRHsZFa",
    ),
    (
        "bcrypt-y",
        "$2y$05$abcdefghijklmnopqrstuuNBbigV6l9XBT3Ab9EB47ITgYkRHsZFa",
    ),
    (
        "bcrypt-a",
        "$2a$05$abcdefghijklmnopqrstuuNBbigV6l9XBT3Ab9EB47ITgYkRHsZFa",
    ),
    (
        "sha256crypt-rounds",
        "$5$rounds=1500$saltsaltsalt$JODLDB0FU1QuPt21raA7KLbSD5Mnft9fLxGsvYcLsZC",
    ),
    (
        "sha256crypt",
        "$5$saltsaltsalt$dbgAcDhfHj697LXP3.YVxfOPYvlKMtmhmPlrBL2cP.1",
    ),
    (
        "sha512crypt-rounds",
        "$6$rounds=1500$saltsaltsalt$fKv0eOTsF6LXNEactx8MagOjqHHb3PcsDBZfSwNSY6txZ706xEyOjzgBnxdMtZX8WbFdUXPDJX72vQZQv1J.j0",
    ),
    (
        "sha512crypt",
        "$6$saltsaltsaltsalt$eWPyDfizzNgQ/i7AM2i7N6ZQ5gvXpIOTJb77Vzdvlo66rJvXzxKSHfP5wAf6MK7evbL7Ny7remlBAgyMppObn.",
    ),
    (
        "django",
        "pbkdf2_sha256$2000$NaClNaClNaCl$JIXX71ucfcnWv+ta4wUs6rYGbnI/JA1aEy7e71/KP2w=",
    ),
    (
        "pbkdf2-sha256",
        "$pbkdf2-sha256$i=2000,l=32$AAECAwQFBgcICQoLDA0ODw$22rULsDe/wEw9scNRKBTrNfnLSfkDGuDSA6Lfdj3vFg",
    ),
    (
        "pbkdf2-sha512",
        "$pbkdf2-sha512$2000$AAECAwQFBgcICQoLDA0ODw$641rlOp8sl9bdeE2Eg6.fXc9wFh3Ysh6Dx6CGlIZ16eG47a414sAUBVkix6e2GCietgEtb2QGWDUq6Ja8wTtJg",
    ),
    (
        "pbkdf2-sha1",
        "$pbkdf2$2000$AAECAwQFBgcICQoLDA0ODw$lNt1eoSjdlpIIddUpz6m/W7DXbQ",
    ),
    (
        "keycloak-512",
        "$keycloak-pbkdf2-sha512$i=2100$AAECAwQFBgcICQoLDA0ODw==$mO9XU9hOJj+pANBHi7+Z1a+e0H9FF8DC+FZW7HHrQXo5n9oce+N4RSrma50wPr+iD8IoSJ/Tu9u8MHyTchlyrA==",
    ),
    (
        "keycloak-256",
        "$keycloak-pbkdf2-sha256$i=2100$AAECAwQFBgcICQoLDA0ODw==$i2XSnCg1a61uMe8NpUAZOKcCRanHjOIKKYwFjRlH2AyAdlPSJhX/o1EbUl/0q/gDjVUv++N49kZ3C8MYQlp+jA==",
    ),
    (
        "scrypt",
        "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$3eks4df+UlT/fvo30Wj2/kZdPNbZlQStS/6DwQJliss",
    ),
    (
        "firebase",
        "$firebase-scrypt$n=4,r=8,sep=ChA=,key=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==$AAECAwQFBgcICQoLDA0ODw==$1F/lkBzrwIvW1jazZZ7daovFxJxR/pskjk0nUAxZWdE5ZZpmpRfDF3Vo5mV+N4NVZr/TkmONtKhRMjV/jS93vw==",
    ),
];

async fn stored(server: &Server, name: &str) -> String {
    let id = server.account_id(name).await;
    let read = async move |db: &mut Conn| store::credentials::find_password(db, id).await;
    server.running.app.store.read(read).await.unwrap().unwrap()
}

async fn signs_in(server: &Server, name: &str, password: &str) -> bool {
    let answer = Browser::new(server)
        .sign_in(&server.authorize(&[]), name, password)
        .await;
    answer.header("location").is_some()
}

#[tokio::test]
async fn each_kind_signs_in_once_and_is_then_one_of_ours() {
    let server = Server::start().await;
    let file: String = HASHES
        .iter()
        .map(|(name, hash)| format!("[[account]]\nusername = \"{name}\"\npassword_hash = \"{hash}\"\n"))
        .collect();
    server.apply(&file).await;
    for (name, hash) in HASHES {
        assert!(!signs_in(&server, name, "Tr0ub4dor").await, "{name}");
        assert_eq!(stored(&server, name).await, *hash);
        assert!(signs_in(&server, name, PASSWORD).await, "{name}");
        let ours = stored(&server, name).await;
        assert!(ours.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{name}: {ours}");
        assert!(signs_in(&server, name, PASSWORD).await, "{name}");
        assert!(!signs_in(&server, name, "Tr0ub4dor").await, "{name}");
        assert_eq!(stored(&server, name).await, ours);
    }
    // The file has been carried out, although the hashes it names are gone.
    let app = &server.running.app;
    let again =
        chancery::declarative::apply_text(&app.store, &app.sealer, &app.passwords, &file, server.clock.now())
            .await
            .unwrap();
    assert!(again.plan.changes.is_empty(), "{:?}", again.plan);
}
