//! Decimal numbers as texts: rounded half away from zero on the shortest decimal, grouped by thousands.

/// A finite number by its decimal digits, exactly as it would be printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decimal {
    negative: bool,
    /// Without leading zeros, at least one digit.
    whole: String,
    fraction: String,
}

impl Decimal {
    /// Reads `-12.50` or `1e3`; nothing else: no blanks, no grouping, no infinities.
    pub fn parse(text: &str) -> Option<Decimal> {
        if text.contains(['e', 'E']) {
            // The shortest digits that name the float; Rust prints them without an exponent.
            let float: f64 = text.parse().ok()?;
            return Decimal::parse(&float.to_string()).filter(|_| float.is_finite());
        }
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let dotted = digits.contains('.');
        if whole.is_empty() || !plain(whole) || !plain(fraction) || (dotted && fraction.is_empty()) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        Some(Decimal { negative, whole: whole.to_owned(), fraction: fraction.to_owned() })
    }

    /// The nearest number with so many decimals; of two equally near ones that farther from zero.
    pub fn round(mut self, decimals: usize) -> Decimal {
        let up = self.fraction.as_bytes().get(decimals).is_some_and(|digit| *digit >= b'5');
        self.fraction.truncate(decimals);
        while self.fraction.len() < decimals {
            self.fraction.push('0');
        }
        if up {
            let digits = increment(&format!("{}{}", self.whole, self.fraction));
            let (whole, fraction) = digits.split_at_checked(digits.len() - decimals).unwrap_or((&digits, ""));
            (self.whole, self.fraction) = (whole.to_owned(), fraction.to_owned());
        }
        self
    }

    pub fn is_negative(&self) -> bool {
        self.negative && !self.is_zero()
    }

    fn is_zero(&self) -> bool {
        self.whole == "0" && self.fraction.bytes().all(|digit| digit == b'0')
    }

    /// Without its sign; `group` stands between thousands of numbers with at least `group_from` digits before the point.
    pub fn digits(&self, point: &str, group: &str, group_from: usize) -> String {
        let mut out = String::new();
        let length = self.whole.len();
        for (index, digit) in self.whole.chars().enumerate() {
            if index > 0 && (length - index).is_multiple_of(3) && length >= group_from {
                out.push_str(group);
            }
            out.push(digit);
        }
        if !self.fraction.is_empty() {
            out.push_str(point);
            out.push_str(&self.fraction);
        }
        out
    }
}

/// The digits of the number plus one.
fn increment(digits: &str) -> String {
    let mut carried: Vec<char> = Vec::with_capacity(digits.len() + 1);
    let mut carry = true;
    for digit in digits.chars().rev() {
        carried.push(match (carry, digit) {
            (true, '9') => '0',
            (true, other) => {
                carry = false;
                char::from_u32(u32::from(other) + 1).unwrap_or(other)
            }
            (false, other) => other,
        });
    }
    if carry {
        carried.push('1');
    }
    carried.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(text: &str, decimals: usize) -> String {
        let number = Decimal::parse(text).unwrap().round(decimals);
        format!("{}{}", if number.is_negative() { "-" } else { "" }, number.digits(".", ",", 4))
    }

    #[test]
    fn half_away_from_zero_on_the_shortest_decimal() {
        for (text, decimals, wanted) in [
            ("2.675", 2, "2.68"),
            ("-2.675", 2, "-2.68"),
            ("1.005", 2, "1.01"),
            ("0.5", 0, "1"),
            ("-0.5", 0, "-1"),
            ("0.4", 0, "0"),
            ("-0.004", 2, "0.00"),
            ("9.995", 2, "10.00"),
            ("999999.5", 0, "1,000,000"),
            ("1234", 2, "1,234.00"),
            ("123", 0, "123"),
            ("1e3", 0, "1,000"),
            ("1e-7", 3, "0.000"),
            ("007.1", 1, "7.1"),
        ] {
            assert_eq!(rounded(text, decimals), wanted, "{text} {decimals}");
        }
    }

    #[test]
    fn only_plain_numbers() {
        for text in ["", "-", ".5", "5.", "1,000", " 1", "inf", "NaN", "1e999", "0x1", "1.2.3", "+1", "１"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
