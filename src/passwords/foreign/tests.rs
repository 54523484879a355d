//! Hashes made by libxcrypt, by the hashlib of Python and by Firebase itself.

use super::Foreign;

const PASSWORD: &str = "Tr0ub4dor & three more";
const GOOD: &[&str] = &[
    "$2b$05$abcdefghijklmnopqrstuuNBbigV6l9XBT3Ab9EB47ITgYkRHsZFa",
    "$2y$05$abcdefghijklmnopqrstuuNBbigV6l9XBT3Ab9EB47ITgYkRHsZFa",
    "$2a$05$abcdefghijklmnopqrstuuNBbigV6l9XBT3Ab9EB47ITgYkRHsZFa",
    "$5$rounds=1500$saltsaltsalt$JODLDB0FU1QuPt21raA7KLbSD5Mnft9fLxGsvYcLsZC",
    "$5$saltsaltsalt$dbgAcDhfHj697LXP3.YVxfOPYvlKMtmhmPlrBL2cP.1",
    "$6$rounds=1500$saltsaltsalt$fKv0eOTsF6LXNEactx8MagOjqHHb3PcsDBZfSwNSY6txZ706xEyOjzgBnxdMtZX8WbFdUXPDJX72vQZQv1J.j0",
    "$6$saltsaltsaltsalt$eWPyDfizzNgQ/i7AM2i7N6ZQ5gvXpIOTJb77Vzdvlo66rJvXzxKSHfP5wAf6MK7evbL7Ny7remlBAgyMppObn.",
    "pbkdf2_sha256$2000$NaClNaClNaCl$JIXX71ucfcnWv+ta4wUs6rYGbnI/JA1aEy7e71/KP2w=",
    "$pbkdf2-sha256$i=2000,l=32$AAECAwQFBgcICQoLDA0ODw$22rULsDe/wEw9scNRKBTrNfnLSfkDGuDSA6Lfdj3vFg",
    "$pbkdf2-sha512$2000$AAECAwQFBgcICQoLDA0ODw$641rlOp8sl9bdeE2Eg6.fXc9wFh3Ysh6Dx6CGlIZ16eG47a414sAUBVkix6e2GCietgEtb2QGWDUq6Ja8wTtJg",
    "$pbkdf2$2000$AAECAwQFBgcICQoLDA0ODw$lNt1eoSjdlpIIddUpz6m/W7DXbQ",
    "$keycloak-pbkdf2-sha512$i=2100$AAECAwQFBgcICQoLDA0ODw==$mO9XU9hOJj+pANBHi7+Z1a+e0H9FF8DC+FZW7HHrQXo5n9oce+N4RSrma50wPr+iD8IoSJ/Tu9u8MHyTchlyrA==",
    "$keycloak-pbkdf2-sha256$i=2100$AAECAwQFBgcICQoLDA0ODw==$i2XSnCg1a61uMe8NpUAZOKcCRanHjOIKKYwFjRlH2AyAdlPSJhX/o1EbUl/0q/gDjVUv++N49kZ3C8MYQlp+jA==",
    "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$3eks4df+UlT/fvo30Wj2/kZdPNbZlQStS/6DwQJliss",
    "$firebase-scrypt$n=4,r=8,sep=ChA=,key=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==$AAECAwQFBgcICQoLDA0ODw==$1F/lkBzrwIvW1jazZZ7daovFxJxR/pskjk0nUAxZWdE5ZZpmpRfDF3Vo5mV+N4NVZr/TkmONtKhRMjV/jS93vw==",
];

fn matches(hash: &str, password: &str) -> bool {
    Foreign::parse(hash).unwrap().matches(password.as_bytes())
}

#[test]
fn each_kind_knows_its_password_and_no_other() {
    for hash in GOOD {
        assert!(matches(hash, PASSWORD), "{hash}");
        for wrong in [
            "",
            "Tr0ub4dor & three mor",
            "Tr0ub4dor & three more ",
            "tr0ub4dor & three more",
        ] {
            assert!(!matches(hash, wrong), "{hash} {wrong:?}");
        }
    }
}

#[test]
fn the_sample_of_firebase_is_understood() {
    let hash = "$firebase-scrypt$n=14,r=8,sep=Bw==,key=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";
    assert!(matches(hash, "user1password"));
    assert!(!matches(hash, "user2password"));
}

#[test]
fn a_changed_hash_knows_nothing() {
    for hash in GOOD {
        // The last letters may hold bits that count for nothing.
        let at = hash.trim_end_matches('=').len() - 8;
        let other = if &hash[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &hash[..at], &hash[at + 1..]);
        assert!(!matches(&changed, PASSWORD), "{changed}");
    }
}

#[test]
fn what_is_malformed_or_costs_too_much_is_not_computed() {
    for hash in [
        "",
        "$",
        "$$",
        "plain",
        "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
        "$2x$05$abcdefghijklmnopqrstuuNBbigV6l9XBT3Ab9EB47ITgYkRHsZFa",
        "$2b$15$abcdefghijklmnopqrstuuNBbigV6l9XBT3Ab9EB47ITgYkRHsZFa",
        "$2b$03$abcdefghijklmnopqrstuuNBbigV6l9XBT3Ab9EB47ITgYkRHsZFa",
        "$2b$05$abcdefghijklmnopqrstuuNBbigV6l9XBT3Ab9EB47ITgYkRHsZF",
        "$5$rounds=500001$saltsaltsalt$JODLDB0FU1QuPt21raA7KLbSD5Mnft9fLxGsvYcLsZC",
        "$5$rounds=999$saltsaltsalt$JODLDB0FU1QuPt21raA7KLbSD5Mnft9fLxGsvYcLsZC",
        "$5$saltsaltsalt$short",
        "$6$saltsaltsaltsalt",
        "pbkdf2_sha256$2000000000$NaCl$JIXX71ucfcnWv+ta4wUs6rYGbnI/JA1aEy7e71/KP2w=",
        "pbkdf2_sha256$0$NaCl$JIXX71ucfcnWv+ta4wUs6rYGbnI/JA1aEy7e71/KP2w=",
        "pbkdf2_sha256$2000$NaCl$JIXX71ucfcnWv+ta4wUs6rYGbnI/JA1aEy7e71/KP2w=$more",
        "pbkdf2_sha256$2000$NaCl$c2hvcnQ=",
        "pbkdf2_md5$2000$NaCl$JIXX71ucfcnWv+ta4wUs6rYGbnI/JA1aEy7e71/KP2w=",
        "$pbkdf2-sha256$i=2000001$AAECAwQFBgcICQoLDA0ODw$22rULsDe/wEw9scNRKBTrNfnLSfkDGuDSA6Lfdj3vFg",
        "$pbkdf2-sha256$i=2000$$22rULsDe/wEw9scNRKBTrNfnLSfkDGuDSA6Lfdj3vFg",
        "$pbkdf2-sha256$i=2000$AAECAwQFBgcICQoLDA0ODw",
        "$scrypt$ln=18,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$3eks4df+UlT/fvo30Wj2/kZdPNbZlQStS/6DwQJliss",
        "$scrypt$ln=63,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$3eks4df+UlT/fvo30Wj2/kZdPNbZlQStS/6DwQJliss",
        "$scrypt$ln=4,r=8,p=5$AAECAwQFBgcICQoLDA0ODw$3eks4df+UlT/fvo30Wj2/kZdPNbZlQStS/6DwQJliss",
        "$scrypt$ln=4,r=4294967295,p=1$AAECAwQFBgcICQoLDA0ODw$3eks4df+UlT/fvo30Wj2/kZdPNbZlQStS/6DwQJliss",
        "$scrypt$ln=4,r=8$AAECAwQFBgcICQoLDA0ODw$3eks4df+UlT/fvo30Wj2/kZdPNbZlQStS/6DwQJliss",
        "$firebase-scrypt$n=4,r=8,sep=ChA=$AAECAwQFBgcICQoLDA0ODw==$1F/lkBzrwIvW1jazZZ7daovFxJxR/pskjk0nUAxZWdE5ZZpmpRfDF3Vo5mV+N4NVZr/TkmONtKhRMjV/jS93vw==",
        "$firebase-scrypt$n=21,r=8,sep=ChA=,key=AAAA$AAECAwQFBgcICQoLDA0ODw==$AAAA",
    ] {
        assert!(Foreign::parse(hash).is_none(), "{hash}");
    }
    assert!(Foreign::parse(&format!("$scrypt${}", "a".repeat(2000))).is_none());
}
