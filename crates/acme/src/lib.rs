//! A public name goes in, a certificate of an ACME authority that renews itself comes out.
