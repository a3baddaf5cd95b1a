//! Names that Bazar loader makes for itself below `.bazar` and `.bazaar`.
//!
//! Shapes after the public analyses of its algorithms (the reimplementations of baderj/domain_generation_algorithms
//! name them; nothing was copied).

/// Which algorithm a name looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BazarShape {
    /// Versions 2 to 7: four digrams of a consonant and a vowel, in either order.
    Digrams,
    /// The first version: six letters from narrow ranges, and six more that follow from them and the month.
    Dated,
    /// The version that misspelt the top-level domain and left the alphabet.
    Misspelt,
}

/// The ranges of the first six letters of the dated shape.
const DATED: [(u8, u8); 6] = [(b'a', b'e'), (b'c', b'f'), (b'e', b'h'), (b'g', b'i'), (b'i', b'k'), (b'k', b'm')];
const DATED_BYTES: usize = 12;
const DIGRAM_BYTES: usize = 8;

/// The shape of a name of Bazar loader.
#[must_use]
pub fn bazar(name: &str) -> Option<BazarShape> {
    let (label, top) = name.rsplit_once('.')?;
    let label = label.as_bytes();
    match top {
        "bazar" if is_digrams(label) => Some(BazarShape::Digrams),
        "bazar" if is_dated(label) => Some(BazarShape::Dated),
        "bazaar" if label.len() == DATED_BYTES && label.iter().all(|byte| (b'['..=b'{').contains(byte)) => {
            Some(BazarShape::Misspelt)
        }
        _ => None,
    }
}

fn is_digrams(label: &[u8]) -> bool {
    let vowel = |byte: u8| matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
    label.len() == DIGRAM_BYTES
        && label.iter().all(u8::is_ascii_lowercase)
        && label.chunks_exact(2).all(|pair| vowel(pair[0]) != vowel(pair[1]))
}

/// Each letter of the second half is one of the first half moved up by a digit of the date.
fn is_dated(label: &[u8]) -> bool {
    label.len() == DATED_BYTES
        && DATED.iter().zip(label).all(|((from, to), byte)| (from..=to).contains(&byte))
        && label[6..].iter().zip(label).all(|(second, first)| (*first..=first.saturating_add(15)).contains(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        for name in ["abcyduse.bazar", "ebulymox.bazar", "tiqaogov.bazar"] {
            assert_eq!(bazar(name), Some(BazarShape::Digrams), "{name}");
        }
        assert_eq!(bazar("acegikbdfhjl.bazar"), Some(BazarShape::Dated));
        assert_eq!(bazar("acegik]^_cde.bazaar"), Some(BazarShape::Misspelt));
        for name in [
            "bazar",
            "shop.bazar",
            "abccduse.bazar",
            "www.abycidef.bazar",
            "ebulymox.com",
            "ebulymo1.bazar",
            "grandbazar.example",
            "",
        ] {
            assert_eq!(bazar(name), None, "{name}");
        }
    }
}
