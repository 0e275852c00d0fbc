//! Grants: the visitor's right to start one session, signed by the site.
//!
//! A compact JWS with `alg` pinned to EdDSA and `typ` to `vg+jwt`. Minting and checking are pure: clock and id come in.
//! Burning a used `jti` is the store's work, not this module's.

mod claims;
mod keys;
mod mint;
mod verify;

pub use claims::{AUDIENCE, Claims, MAX_WINDOW_SECONDS};
pub use keys::{KeyError, KeyRing, MintingKey, PublicKey, Site};
pub use mint::mint;
pub use verify::{Expected, GrantError, MAX_BYTES, Unverified};
