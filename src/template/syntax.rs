//! Where placeholders stand in a string, and the words of an expression. Only `{{ … }}` is syntax; `{%` and `{#` are text.

/// A piece of a string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece<'s> {
    Text(&'s str),
    /// What stands between `{{` and `}}`, without the blanks around it.
    Expression(&'s str),
}

/// A `{{` that no `}}` closes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unclosed;

/// Splits a string at its placeholders. `}}` within quotes, or closing braces of the expression itself, do not end one.
pub fn split(text: &str) -> Result<Vec<Piece<'_>>, Unclosed> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let end = end_of_expression(after).ok_or(Unclosed)?;
        let (inner, closing) = after.split_at_checked(end).ok_or(Unclosed)?;
        pieces.push(Piece::Expression(inner.trim()));
        rest = closing.strip_prefix("}}").ok_or(Unclosed)?;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// The offset of the `}}` that ends the expression at the beginning of `text`.
fn end_of_expression(text: &str) -> Option<usize> {
    let mut braces = 0_usize;
    let mut quote: Option<char> = None;
    let mut chars = text.char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => braces += 1,
            (None, '}') if braces > 0 => braces -= 1,
            (None, '}') if chars.peek().is_some_and(|(_, next)| *next == '}') => return Some(offset),
            (None, _) => {}
        }
    }
    None
}

/// A bare expression, or the inside of the one placeholder that encloses it.
pub fn bare(text: &str) -> &str {
    let text = text.trim();
    match split(text).as_deref() {
        Ok([Piece::Expression(inner)]) => inner,
        _ => text,
    }
}

/// A word or sign of an expression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Token<'s> {
    Name(&'s str),
    /// A string or number.
    Literal,
    Sign(char),
}

fn tokens(expression: &str) -> Vec<Token<'_>> {
    let mut all = Vec::new();
    let mut rest = expression;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' | '\'' => {
                all.push(Token::Literal);
                let mut escaped = false;
                let end = rest.char_indices().skip(1).find(|(_, next)| {
                    let closes = *next == c && !escaped;
                    escaped = *next == '\\' && !escaped;
                    closes
                });
                end.map_or(rest.len(), |(offset, _)| offset + 1)
            }
            _ if is_name_start(c) => {
                let length = rest.find(|next: char| !is_name_start(next) && !next.is_ascii_digit()).unwrap_or(rest.len());
                all.push(Token::Name(rest.get(..length).unwrap_or_default()));
                length
            }
            _ if c.is_ascii_digit() => {
                all.push(Token::Literal);
                rest.find(|next: char| !next.is_ascii_alphanumeric() && next != '_').unwrap_or(rest.len())
            }
            _ => {
                if !c.is_whitespace() {
                    all.push(Token::Sign(c));
                }
                c.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    all
}

fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

/// What can be told of an expression by its words.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Words<'s> {
    /// Names that stand directly under `default` or `is defined`.
    pub lenient: Vec<&'s str>,
    pub filters: Vec<&'s str>,
    pub tests: Vec<&'s str>,
    /// Names that are called.
    pub called: Vec<&'s str>,
}

/// Reads the words of an expression that is known to parse.
pub fn words(expression: &str) -> Words<'_> {
    let mut words = Words::default();
    let tokens = tokens(expression);
    let at = |index: usize| tokens.get(index).copied();
    for (index, token) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).and_then(at);
        match *token {
            Token::Sign('|') => {
                if let Some(Token::Name(filter)) = at(index + 1) {
                    words.filters.push(filter);
                }
            }
            Token::Name("is") => {
                let negated = at(index + 1) == Some(Token::Name("not"));
                if let Some(Token::Name(test)) = at(index + if negated { 2 } else { 1 }) {
                    words.tests.push(test);
                }
            }
            Token::Name(name) if !matches!(before, Some(Token::Sign('.' | '|'))) => {
                match (at(index + 1), at(index + 2), at(index + 3)) {
                    (Some(Token::Sign('|')), Some(Token::Name("default" | "d")), _)
                    | (Some(Token::Name("is")), Some(Token::Name("defined" | "undefined")), _)
                    | (Some(Token::Name("is")), Some(Token::Name("not")), Some(Token::Name("defined" | "undefined"))) => {
                        words.lenient.push(name);
                    }
                    (Some(Token::Sign('(')), ..) => words.called.push(name),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::Piece::{Expression, Text};
    use super::*;

    #[test]
    fn placeholders_are_found() {
        for (text, pieces) in [
            ("", vec![]),
            ("plain {% if %} {# note #} }}", vec![Text("plain {% if %} {# note #} }}")]),
            ("{{ a }}", vec![Expression("a")]),
            ("{{a}}{{ b }}", vec![Expression("a"), Expression("b")]),
            ("¥{{ price | number(2) }} 元", vec![Text("¥"), Expression("price | number(2)"), Text(" 元")]),
            ("{{ '}}' }}", vec![Expression("'}}'")]),
            (r#"{{ "\"}}" }}"#, vec![Expression(r#""\"}}""#)]),
            ("{{ {'a': {'b': 1}} }}", vec![Expression("{'a': {'b': 1}}")]),
            ("{{ {'a': {'b': 1}}}}", vec![Expression("{'a': {'b': 1}}")]),
            ("{{ '{{' }}", vec![Expression("'{{'")]),
            ("{{}}", vec![Expression("")]),
        ] {
            assert_eq!(split(text), Ok(pieces), "{text}");
        }
        for text in ["{{", "a {{ b", "{{ 'a }}", "{{ { }}"] {
            assert_eq!(split(text), Err(Unclosed), "{text}");
        }
    }

    #[test]
    fn one_enclosing_placeholder_is_taken_off() {
        assert_eq!(bare(" {{ a > 1 }} "), "a > 1");
        assert_eq!(bare("a > 1"), "a > 1");
        assert_eq!(bare("{{ a }} and {{ b }}"), "{{ a }} and {{ b }}");
    }

    #[test]
    fn words_of_an_expression() {
        let found = words("a | default('x | upper') if user.b is not defined and c is defined else range(d) | join(', ')");
        assert_eq!(found.lenient, ["a", "c"]);
        assert_eq!(found.filters, ["default", "join"]);
        assert_eq!(found.tests, ["defined", "defined"]);
        assert_eq!(found.called, ["range"]);
    }
}
