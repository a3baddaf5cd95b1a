//! Enums of a few words that the database and JSON spell alike.

macro_rules! words {
    ($(#[$about:meta])* $name:ident, $what:literal, $($(#[$doc:meta])* $variant:ident => $word:literal),+) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::error::StateError;

            fn from_str(text: &str) -> Result<Self, $crate::error::StateError> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::error::StateError::invalid($what, "is none that we know")),
                }
            }
        }
    };
}
pub(crate) use words;
