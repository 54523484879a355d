//! The pool: what matches, what is renewed, and what happens under load.

use super::*;

fn cheap(t: u32) -> Params {
    Params::new(64, t, 1, None).unwrap()
}

fn pool() -> Passwords {
    Passwords::new(cheap(1), 2, QUEUE)
}

#[tokio::test]
async fn a_password_matches_its_own_hash_only() {
    let pool = pool();
    let hash = pool.hash("correct horse").await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
    let right = pool.verify(Some(hash.clone()), "correct horse").await.unwrap();
    assert!(right.matches && right.rehash.is_none());
    assert!(!pool.verify(Some(hash), "wrong horse").await.unwrap().matches);
}

#[tokio::test]
async fn without_a_hash_nothing_matches() {
    let pool = pool();
    assert!(!pool.verify(None, "").await.unwrap().matches);
    assert!(
        !pool
            .verify(Some("$argon2id$broken".into()), "x")
            .await
            .unwrap()
            .matches
    );
}

#[tokio::test]
async fn a_password_beyond_the_limit_never_matches() {
    let pool = pool();
    let long = "a".repeat(MAX_BYTES + 1);
    let hash = pool.hash(&long).await.unwrap();
    assert!(!pool.verify(Some(hash), &long).await.unwrap().matches);
}

#[tokio::test]
async fn a_hash_with_other_parameters_is_renewed() {
    let old = Passwords::new(cheap(2), 1, 1).hash("secret").await.unwrap();
    let verdict = pool().verify(Some(old), "secret").await.unwrap();
    assert!(verdict.matches);
    let renewed = verdict.rehash.unwrap();
    assert!(renewed.contains("t=1"), "{renewed}");
    assert!(pool().verify(Some(renewed), "secret").await.unwrap().matches);
}

#[tokio::test]
async fn a_hash_of_another_program_is_understood() {
    // The reference implementation's own test vector: "password", "somesalt", t=2, m=256, p=1.
    let hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    assert!(
        pool()
            .verify(Some(hash.into()), "password")
            .await
            .unwrap()
            .matches
    );
}

#[tokio::test]
async fn a_hash_that_costs_too_much_is_not_computed() {
    let hash = "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    assert!(
        !pool()
            .verify(Some(hash.into()), "password")
            .await
            .unwrap()
            .matches
    );
}

#[tokio::test]
async fn a_full_queue_answers_busy() {
    let slow = Passwords::new(Params::new(19_456, 4, 1, None).unwrap(), 1, 1);
    let many = futures_util::future::join_all((0..8).map(|_| slow.hash("x"))).await;
    assert!(many.iter().any(Result::is_ok));
    assert!(many.contains(&Err(Busy)));
}

#[tokio::test]
async fn a_job_that_waited_too_long_is_not_done() {
    let (answer, result) = oneshot::channel();
    let waiting_since = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
    let job = Job {
        waiting_since,
        task: Task::Hash(Zeroizing::new("x".to_owned()), answer),
    };
    Worker::new(cheap(1)).serve(job);
    assert_eq!(result.await.unwrap(), Err(Busy));
}

#[tokio::test]
async fn a_password_is_the_same_however_its_accents_are_written() {
    let pool = pool();
    let hash = pool.hash("cafe\u{301} au lait").await.unwrap();
    for same in ["caf\u{e9} au lait", "cafe\u{301} au lait"] {
        let verdict = pool.verify(Some(hash.clone()), same).await.unwrap();
        assert!(verdict.matches && verdict.rehash.is_none(), "{same}");
    }
    for other in ["cafe au lait", "CAF\u{c9} au lait", "caf\u{e9} au lait "] {
        assert!(
            !pool.verify(Some(hash.clone()), other).await.unwrap().matches,
            "{other}"
        );
    }
}

#[tokio::test]
async fn a_hash_of_text_that_was_not_normal_still_works_and_is_renewed() {
    let (params, mut out) = (cheap(1), [0; argon::OUTPUT_LEN]);
    let argon2 = argon2::Argon2::new(
        argon2::Algorithm::Argon2id,
        argon2::Version::V0x13,
        params.clone(),
    );
    argon2
        .hash_password_into("cafe\u{301}".as_bytes(), b"some salt", &mut out)
        .unwrap();
    let old = argon::text(&params, b"some salt", &out).unwrap();
    let verdict = pool().verify(Some(old), "cafe\u{301}").await.unwrap();
    assert!(verdict.matches);
    let renewed = verdict.rehash.unwrap();
    assert!(pool().verify(Some(renewed), "caf\u{e9}").await.unwrap().matches);
}

#[tokio::test]
async fn a_foreign_hash_is_replaced_by_ours() {
    let (hash, password) = (
        "$2b$05$abcdefghijklmnopqrstuuNBbigV6l9XBT3Ab9EB47ITgYkRHsZFa",
        "Tr0ub4dor & three more",
    );
    let wrong = pool().verify(Some(hash.into()), "Tr0ub4dor").await.unwrap();
    assert!(!wrong.matches && wrong.rehash.is_none());
    let right = pool().verify(Some(hash.into()), password).await.unwrap();
    assert!(right.matches);
    let ours = right.rehash.unwrap();
    assert!(ours.starts_with("$argon2id$"), "{ours}");
    assert!(pool().verify(Some(ours), password).await.unwrap().matches);
}

#[tokio::test]
async fn other_work_is_done_and_a_panic_in_it_is_survived() {
    let pool = Passwords::new(cheap(1), 1, QUEUE);
    assert_eq!(pool.run(|| 2 + 2).await, Ok(4));
    assert_eq!(pool.run(|| -> u8 { panic!("on purpose") }).await, Err(Busy));
    assert_eq!(pool.run(|| "still here").await, Ok("still here"));
}
