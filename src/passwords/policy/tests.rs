//! Which passwords are taken, as a table.

use super::*;

fn rules(min_length: usize) -> Rules {
    Rules {
        min_length,
        min_strength: 2,
        must_contain: Vec::new(),
        words: words([
            "alice",
            "alice.liddell@wonder-land.example",
            "Alice Pleasance Liddell",
            "Chancery",
        ]),
    }
}

fn verdict(password: &str, rules: &Rules) -> Result<(), Weakness> {
    judge(&Secret::new(password), rules)
}

#[test]
fn the_rules_hold() {
    let long_lower = "violin gravel umbrella season ".repeat(4);
    for (password, expected) in [
        ("violin gravel5", Err(Weakness::TooShort)),
        ("violin gravel 5", Ok(())),
        ("violingravelumbrellaseason", Ok(())),
        ("Zwölf Boxkämpfer jagen Viktor", Ok(())),
        ("\u{1F984} jumps over \u{1F308} twice", Ok(())),
        (" leading and trailing spaces ", Ok(())),
        (long_lower.as_str(), Ok(())),
        ("", Err(Weakness::TooShort)),
        ("               ", Err(Weakness::Guessable)),
        ("violin gravel\0umbrella", Err(Weakness::Nul)),
        ("123456789qwerty", Err(Weakness::Common)),
        ("PasswordPassword", Err(Weakness::Common)),
        ("my name is alice today", Err(Weakness::Personal)),
        ("ALICE in trousers", Err(Weakness::Personal)),
        ("wonder-land gravel", Err(Weakness::Personal)),
        ("chancery of the gravel", Err(Weakness::Personal)),
        ("alice.liddell gravel", Err(Weakness::Personal)),
        ("aaaaaaaaaaaaaaaaaaaaaaa", Err(Weakness::Guessable)),
        ("abcabcabcabcabcabcabc", Err(Weakness::Guessable)),
    ] {
        assert_eq!(verdict(password, &rules(15)), expected, "{password:?}");
    }
}

#[test]
fn characters_are_counted_and_not_bytes() {
    let text = |count| {
        "ähnliche Wörter für später "
            .chars()
            .cycle()
            .take(count)
            .collect::<String>()
    };
    assert_eq!(verdict(&text(256), &rules(15)), Ok(()));
    assert_eq!(verdict(&text(257), &rules(15)), Err(Weakness::TooLong));
    let composed = "caf\u{e9} au lait !";
    assert_eq!(composed.chars().count(), 14);
    assert_eq!(verdict(composed, &rules(15)), Err(Weakness::TooShort));
    assert_eq!(
        verdict("cafe\u{301} au lait !", &rules(15)),
        Err(Weakness::TooShort)
    );
    assert_eq!(
        verdict(&"\u{1F984}".repeat(300), &rules(15)),
        Err(Weakness::TooLong)
    );
}

#[test]
fn eight_characters_do_where_they_may() {
    assert_eq!(verdict("gravel5", &rules(8)), Err(Weakness::TooShort));
    assert_eq!(verdict("vioGrav5", &rules(8)), Ok(()));
    assert_eq!(verdict("iloveyou", &rules(8)), Err(Weakness::Common));
}

#[test]
fn kinds_of_characters_are_demanded_only_where_configured() {
    use CharacterKind::{Digit, Lower, Symbol, Upper};
    let rules = Rules {
        must_contain: vec![Lower, Upper, Digit, Symbol],
        ..rules(15)
    };
    for (password, expected) in [
        ("VIOLIN GRAVEL 5!", Err(Weakness::NoLower)),
        ("violin gravel 5!", Err(Weakness::NoUpper)),
        ("Violin gravel !!", Err(Weakness::NoDigit)),
        ("Violin gravel 55", Err(Weakness::NoSymbol)),
        ("Violin gravel 5!", Ok(())),
        ("Γραβιέρα βιολί 5!", Ok(())),
    ] {
        assert_eq!(verdict(password, &rules), expected, "{password}");
    }
}

#[test]
fn only_the_beginning_of_a_long_password_is_estimated() {
    let dull = "a".repeat(100) + "violin gravel umbrella";
    assert_eq!(verdict(&dull, &rules(15)), Err(Weakness::Guessable));
}

#[test]
fn words_are_taken_from_names_and_addresses() {
    let words = words(["Al", "bo.peep@mail.sheep.example", "Bo Peep"]);
    let expected = [
        "bo peep",
        "bo.peep",
        "bo.peep@mail.sheep.example",
        "bopeep",
        "mail",
    ];
    assert_eq!(words, expected);
}
