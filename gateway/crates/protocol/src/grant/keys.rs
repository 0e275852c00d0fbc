//! The keys of the sites. Reading and watching key files is the gateway's work.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::fmt;

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{SigningKey, VerifyingKey};

/// A key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not 32 bytes of unpadded base64url.
    #[error("a key is 32 bytes in base64url without padding (43 characters)")]
    Encoding,
    /// Not a point of the curve, or one of small order.
    #[error("the bytes are not a usable Ed25519 key")]
    Weak,
    /// The id is empty, longer than 64 bytes or holds other characters than `A-Za-z0-9._-`.
    #[error("a key id has 1 to 64 characters of A-Z, a-z, 0-9, `.`, `_` and `-`")]
    Id,
}

fn check_id(kid: &str) -> Result<(), KeyError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=64).contains(&kid.len()) && kid.bytes().all(allowed) { Ok(()) } else { Err(KeyError::Id) }
}

fn decode_32(text: &str) -> Result<[u8; 32], KeyError> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| KeyError::Encoding)?;
    bytes.try_into().map_err(|_| KeyError::Encoding)
}

/// A key that signs grants. It hides itself in `Debug` and wipes itself when dropped.
pub struct MintingKey {
    kid: String,
    secret: SigningKey,
}

impl MintingKey {
    /// A key from 32 random bytes.
    ///
    /// # Errors
    /// If the key id is not usable.
    pub fn from_seed(kid: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        check_id(kid)?;
        Ok(Self { kid: kid.into(), secret: SigningKey::from_bytes(seed) })
    }

    /// A key from its text, 43 characters of base64url.
    ///
    /// # Errors
    /// If the text or the key id is not usable.
    pub fn from_text(kid: &str, text: &str) -> Result<Self, KeyError> {
        Self::from_seed(kid, &decode_32(text)?)
    }

    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The half that the gateway gets.
    pub fn public(&self) -> PublicKey {
        PublicKey { kid: self.kid.clone(), point: self.secret.verifying_key() }
    }

    pub(super) fn secret(&self) -> &SigningKey {
        &self.secret
    }
}

impl fmt::Debug for MintingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MintingKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// A key that checks grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    kid: String,
    point: VerifyingKey,
}

impl PublicKey {
    /// A key from its text, 43 characters of base64url.
    ///
    /// # Errors
    /// If the text or the key id is not usable, or the point is of small order.
    pub fn from_text(kid: &str, text: &str) -> Result<Self, KeyError> {
        check_id(kid)?;
        let point = VerifyingKey::from_bytes(&decode_32(text)?).map_err(|_| KeyError::Weak)?;
        if point.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self { kid: kid.into(), point })
    }

    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key's text.
    pub fn to_text(&self) -> String {
        BASE64URL_NOPAD.encode(self.point.as_bytes())
    }

    pub(super) fn point(&self) -> &VerifyingKey {
        &self.point
    }
}

/// A site: where its pages live and which keys sign for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// The exact origins of its pages.
    pub origins: Vec<String>,
    /// Its keys; several at a time while they are rotated.
    pub keys: Vec<PublicKey>,
}

/// All sites.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRing {
    sites: BTreeMap<String, Site>,
}

impl KeyRing {
    /// Adds or replaces a site.
    pub fn insert(&mut self, id: impl Into<String>, site: Site) {
        self.sites.insert(id.into(), site);
    }

    /// The site of this id.
    pub fn site(&self, id: &str) -> Option<&Site> {
        self.sites.get(id)
    }

    /// Whether any site has pages at this origin.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.sites.values().any(|site| site.origins.iter().any(|allowed| allowed == origin))
    }

    /// The ids of all sites.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.sites.keys().map(String::as_str)
    }
}
