//! Generators in the manner of known families: alphabets, lengths and top-level domains after the public descriptions;
//! the numbers are our own dice.

use super::stream::Dice;

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
const TO_Y: &str = "abcdefghijklmnopqrstuvwxy";
const CONSONANTS: &str = "bcdfghjklmnpqrstvwxz";
const VOWELS: &str = "aeiouy";
pub(super) const FIRST: [&str; 24] = [
    "mountain", "window", "travel", "little", "simple", "forest", "market", "journey", "captain", "station", "winter",
    "yellow", "broken", "gentle", "silver", "through", "morning", "against", "nothing", "picture", "machine",
    "evening", "welcome", "thought",
];
pub(super) const SECOND: [&str; 24] = [
    "contain", "future", "garden", "bridge", "letter", "planet", "reason", "school", "street", "system", "answer",
    "branch", "corner", "doctor", "energy", "figure", "health", "island", "master", "nature", "object", "people",
    "record", "season",
];

type Family = (&'static str, fn(&mut Dice) -> String);

/// Name and generator of each family.
pub(super) const FAMILIES: [Family; 24] = [
    ("conficker", |dice| random(dice, LETTERS, 5, 11, &["com", "net", "org", "info", "biz", "cc", "cn", "ws"])),
    ("necurs", |dice| {
        random(dice, TO_Y, 7, 21, &["com", "net", "org", "ru", "in", "jp", "to", "tv", "su", "xxx", "bit"])
    }),
    ("suppobox", |dice| format!("{}{}.{}", dice.pick(&FIRST), dice.pick(&SECOND), dice.pick(&["net", "ru"]))),
    ("ranbyus", |dice| random(dice, TO_Y, 14, 14, &["in", "me", "cc", "su", "tw", "net", "com", "pw", "org"])),
    ("banjori", |dice| format!("{}estnessbiophysicalohax.com", dice.text(LETTERS, 4))),
    ("kraken", |dice| {
        format!(
            "{}.{}",
            syllables(dice, 3, 5),
            dice.pick(&["dyndns.org", "yi.org", "dynserv.com", "mooo.com", "com", "net", "cc"])
        )
    }),
    ("locky", |dice| {
        random(dice, TO_Y, 5, 17, &["ru", "pw", "eu", "in", "yt", "pm", "us", "fr", "de", "it", "be", "uk", "nl", "tf"])
    }),
    ("pykspa", |dice| random_mixed(dice, 6, 12, &["com", "net", "org", "info", "cc", "biz"])),
    ("qakbot", |dice| random(dice, LETTERS, 8, 25, &["com", "net", "org", "info", "biz"])),
    ("ramnit", |dice| random(dice, TO_Y, 8, 19, &["com"])),
    ("simda", |dice| format!("{}.{}", alternating(dice, 5, 11), dice.pick(&["com", "net", "org", "info", "eu", "su"]))),
    ("symmi", |dice| format!("{}.ddns.net", alternating(dice, 8, 15))),
    ("tinba", |dice| random(dice, "bcdefghijklmnopqrstuvwxy", 12, 12, &["com", "net", "in", "ru"])),
    ("murofet", |dice| random(dice, LETTERS, 12, 28, &["biz", "com", "info", "net", "org", "ru"])),
    ("gameover", |dice| random(dice, "abcdefghijklmnopqrstuvwxyz0123456789", 20, 28, &["com", "net", "org", "biz"])),
    ("bazar", |dice| {
        let pairs = |dice: &mut Dice| if dice.below(2) == 0 { (CONSONANTS, VOWELS) } else { (VOWELS, CONSONANTS) };
        let digram = |dice: &mut Dice| {
            let (first, second) = pairs(dice);
            dice.text(first, 1) + &dice.text(second, 1)
        };
        let label: String = (0..4).map(|_| digram(dice)).collect();
        format!("{label}.bazar")
    }),
    ("cryptolocker", |dice| random(dice, TO_Y, 12, 15, &["com", "net", "biz", "ru", "org", "co.uk", "info"])),
    ("dircrypt", |dice| random(dice, LETTERS, 8, 20, &["com"])),
    ("dyre", |dice| {
        format!(
            "{}{}.{}",
            dice.text(LETTERS, 1),
            dice.text("0123456789abcdef", 33),
            dice.pick(&["cc", "ws", "to", "in", "hk", "cn", "tk", "so"])
        )
    }),
    ("fobber", |dice| random(dice, LETTERS, 10, 17, &["net", "com"])),
    ("matsnu", |dice| format!("{}-{}{}.com", dice.pick(&FIRST), dice.pick(&SECOND), dice.pick(&FIRST))),
    ("nymaim", |dice| random(dice, LETTERS, 5, 12, &["ru", "net", "in", "com", "xyz", "info"])),
    ("padcrypt", |dice| {
        random(dice, "abcdefkmnol", 16, 16, &["com", "co.uk", "de", "org", "net", "eu", "info", "online"])
    }),
    ("virut", |dice| format!("{}.com", dice.text(LETTERS, 6))),
];

fn random(dice: &mut Dice, alphabet: &str, least: usize, most: usize, tops: &[&str]) -> String {
    let length = least + dice.below(most - least + 1);
    format!("{}.{}", dice.text(alphabet, length), dice.pick(tops))
}

fn random_mixed(dice: &mut Dice, least: usize, most: usize, tops: &[&str]) -> String {
    let length = least + dice.below(most - least + 1);
    let label: String = (0..length).map(|at| dice.text(if at % 3 == 1 { "aeiou" } else { LETTERS }, 1)).collect();
    format!("{label}.{}", dice.pick(tops))
}

fn syllables(dice: &mut Dice, least: usize, most: usize) -> String {
    let count = least + dice.below(most - least + 1);
    let stem: String = (0..count).map(|_| dice.text(CONSONANTS, 1) + &dice.text("aeiou", 1)).collect();
    stem + *dice.pick(&["", "s", "ion", "ing"])
}

fn alternating(dice: &mut Dice, least: usize, most: usize) -> String {
    let length = least + dice.below(most - least + 1);
    (0..length).map(|at| dice.text(if at % 2 == 0 { CONSONANTS } else { VOWELS }, 1)).collect()
}
