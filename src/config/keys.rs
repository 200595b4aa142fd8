//! Secrets among the settings: keys of callers and keys that sign. Never shown.

use std::fmt;

use super::form::Form;

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for comparing and sending only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who may do what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiKey {
    /// Named in the log; no secret.
    pub id: String,
    pub secret: Secret,
    pub render: bool,
    pub write: bool,
}

impl ApiKey {
    /// Ids that more than one key has.
    pub fn doubled(keys: &[ApiKey]) -> Vec<String> {
        let mut ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        ids.sort_unstable();
        let mut doubled: Vec<String> =
            ids.windows(2).filter(|pair| pair.first() == pair.last()).map(|pair| pair.concat()).collect();
        doubled.iter_mut().for_each(|pair| pair.truncate(pair.len() / 2));
        doubled.dedup();
        doubled
    }
}

impl Form for ApiKey {
    const FORM: &'static str = "list of `id:secret:render|write`";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<ApiKey, String> {
        let parts =
            text.split_once(':').and_then(|(id, rest)| rest.rsplit_once(':').map(|(secret, rights)| (id, secret, rights)));
        let Some((id, secret, rights)) = parts else {
            return Err("a key must look like `id:secret:render|write`".to_owned());
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
            return Err("a key's id must be 1 to 64 letters, digits, `-`, `_` or `.`".to_owned());
        }
        if secret.is_empty() || secret.len() > 512 || !secret.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(format!("the secret of key `{id}` must be 1 to 512 printable ASCII characters"));
        }
        let mut key = ApiKey { id: id.to_owned(), secret: Secret::new(secret), render: false, write: false };
        for right in rights.split('|') {
            match right.trim() {
                "render" => key.render = true,
                "write" => key.write = true,
                _ => return Err(format!("the rights of key `{id}` must be `render`, `write` or `render|write`")),
            }
        }
        Ok(key)
    }
}

/// A key that signs addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct SignKey(Vec<u8>);

impl SignKey {
    /// The key itself.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignKey(…)")
    }
}

impl Form for SignKey {
    const FORM: &'static str = "list of hex";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<SignKey, String> {
        let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        let bytes = digits.filter(|digits| digits.len() % 2 == 0 && digits.len() >= 32);
        let bytes = bytes.map(|digits| digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect());
        bytes.map(SignKey).ok_or_else(|| "a key must be at least 16 bytes in hex".to_owned())
    }
}
