//! Nothing goes in and nothing comes out: the crate only asks for features (see its `Cargo.toml`).
//! It will never hold code.
