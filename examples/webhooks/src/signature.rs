//! GitHub's signature of a delivery: HMAC-SHA256 of the raw body under a secret
//! that both sides know, as `X-Hub-Signature-256: sha256=` and 64 hex digits.
//!
//! The rules are those of GitHub's guide, <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>:
//! sign what came over the wire and not what was parsed of it, and compare in
//! constant time, or the time that a refusal takes tells how much was right.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The header.
pub const HEADER: &str = "x-hub-signature-256";
/// What its value begins with.
const PREFIX: &str = "sha256=";
/// Bytes of a SHA-256.
const LENGTH: usize = 32;

/// What both sides know. Prepared: the key's two blocks are hashed once, and
/// each body begins from there.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

impl Secret {
    /// From the text that was typed into GitHub's form.
    ///
    /// # Panics
    /// If it is empty. Then everybody could sign.
    #[must_use]
    pub fn new(text: &str) -> Self {
        assert!(!text.is_empty(), "an empty secret signs for everybody");
        match Hmac::new_from_slice(text.as_bytes()) {
            Ok(keyed) => Self(keyed),
            Err(_) => unreachable!("HMAC takes keys of any length"),
        }
    }

    /// The header's value for this body.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> String {
        let code = self.0.clone().chain_update(body).finalize().into_bytes();
        code.iter().fold(PREFIX.to_owned(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// Whether the header's value is right for this body.
    ///
    /// # Errors
    /// What is wrong with it. Do not tell the caller which: it helps nobody who
    /// knows the secret.
    pub fn verify(&self, value: &[u8], body: &[u8]) -> Result<(), SignatureError> {
        let code = decode(value)?;
        // In constant time.
        self.0.clone().chain_update(body).verify_slice(&code).map_err(|_| SignatureError::Wrong)
    }
}

/// Shows nothing of it.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// It is not `sha256=` and 64 hex digits.
    Malformed,
    /// It is of another body, or under another secret.
    Wrong,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the signature is not sha256= and 64 hex digits",
            Self::Wrong => "the signature is of another body or another secret",
        })
    }
}

impl std::error::Error for SignatureError {}

/// Nothing here is secret yet, so nothing here needs constant time.
fn decode(value: &[u8]) -> Result<[u8; LENGTH], SignatureError> {
    let digits = value.strip_prefix(PREFIX.as_bytes()).ok_or(SignatureError::Malformed)?;
    let (pairs, []) = digits.as_chunks::<2>() else { return Err(SignatureError::Malformed) };
    if pairs.len() != LENGTH {
        return Err(SignatureError::Malformed);
    }
    let mut code = [0; LENGTH];
    for (byte, [high, low]) in code.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Ok(code)
}

fn digit(c: u8) -> Result<u8, SignatureError> {
    match c {
        b'0'..=b'9' => Ok(c - b'0'),
        b'a'..=b'f' => Ok(c - b'a' + 10),
        b'A'..=b'F' => Ok(c - b'A' + 10),
        _ => Err(SignatureError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, SignatureError};

    const BODY: &[u8] = b"Hello, World!";
    const PUBLISHED: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn published() -> Secret {
        Secret::new("It's a Secret to Everybody")
    }

    #[test]
    fn githubs_published_vector_holds() {
        assert_eq!(published().sign(BODY), PUBLISHED);
        assert_eq!(published().verify(PUBLISHED.as_bytes(), BODY), Ok(()));
    }

    /// RFC 4231, test case 2: a key shorter than the hash.
    #[test]
    fn a_vector_of_the_rfc_holds() {
        let code = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(Secret::new("Jefe").sign(b"what do ya want for nothing?"), code);
    }

    #[test]
    fn hex_digits_may_be_large() {
        let large = PUBLISHED.to_uppercase().replace("SHA256=", "sha256=");
        assert_eq!(published().verify(large.as_bytes(), BODY), Ok(()));
    }

    #[test]
    fn another_body_another_secret_and_another_code_are_wrong() {
        assert_eq!(published().verify(PUBLISHED.as_bytes(), b"Hello, World?"), Err(SignatureError::Wrong));
        assert_eq!(published().verify(PUBLISHED.as_bytes(), b""), Err(SignatureError::Wrong));
        assert_eq!(Secret::new("guessed").verify(PUBLISHED.as_bytes(), BODY), Err(SignatureError::Wrong));
        let last = PUBLISHED.replace("e17", "e18");
        assert_eq!(published().verify(last.as_bytes(), BODY), Err(SignatureError::Wrong));
    }

    #[test]
    fn what_is_no_signature_is_malformed() {
        let sha1 = PUBLISHED.replace("sha256=", "sha1=");
        let bare = PUBLISHED.replace("sha256=", "");
        let large = PUBLISHED.replace("sha256=", "SHA256=");
        let spaced = PUBLISHED.replace('=', "= ");
        let no_hex = PUBLISHED.replace("e17", "g17");
        let longer = format!("{PUBLISHED}00");
        let values =
            ["", "sha256=", &PUBLISHED[..70], &PUBLISHED[..69], &sha1, &bare, &large, &spaced, &no_hex, &longer];
        for value in values {
            assert_eq!(published().verify(value.as_bytes(), BODY), Err(SignatureError::Malformed), "{value:?}");
        }
        assert_eq!(published().verify(b"sha256=\xff\xfe", BODY), Err(SignatureError::Malformed));
    }

    #[test]
    #[should_panic(expected = "signs for everybody")]
    fn an_empty_secret_is_refused() {
        drop(Secret::new(""));
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", published()), "Secret(..)");
    }
}
