//! Which of its eight masks suits a code: the penalties of ISO/IEC 18004, 7.8.3, counted on rows of bits.
//!
//! The crate counts module by module, which takes longer than all else that a poster with a code needs from its template to its
//! boxes. The choice is the crate's (a test holds that): light modules are assumed beyond the edges.

use qrcode::canvas::{Canvas, MaskPattern};

const MASKS: [MaskPattern; 8] = [
    MaskPattern::Checkerboard,
    MaskPattern::HorizontalLines,
    MaskPattern::VerticalLines,
    MaskPattern::DiagonalLines,
    MaskPattern::LargeCheckerboard,
    MaskPattern::Fields,
    MaskPattern::Diamonds,
    MaskPattern::Meadow,
];

/// The code with the mask of the smallest penalty, the first of those with as little. `side` is its width in modules.
pub(super) fn masked(canvas: &Canvas, side: usize) -> Option<Canvas> {
    let all = MASKS.map(|mask| {
        let mut masked = canvas.clone();
        masked.apply_mask(mask);
        masked
    });
    all.into_iter().min_by_key(|masked| penalty(masked, side))
}

fn penalty(canvas: &Canvas, side: usize) -> u32 {
    let (mut rows, mut columns) = (vec![Line::NONE; side], vec![Line::NONE; side]);
    for (y, row) in rows.iter_mut().enumerate() {
        for (x, column) in columns.iter_mut().enumerate() {
            // A side is at most 177.
            if canvas.get(x as i16, y as i16).is_dark() {
                row.set(x);
                column.set(y);
            }
        }
    }
    let dark: u32 = rows.iter().map(|row| row.count()).sum();
    let along: u32 = rows.iter().chain(&columns).map(|line| runs(*line, side) + finders(*line, side)).sum();
    let blocks: u32 = rows.iter().zip(rows.iter().skip(1)).map(|(row, next)| blocks(*row, *next, side)).sum();
    along + blocks + (dark * 200 / (side * side) as u32).abs_diff(100)
}

/// Of each run of five or more alike its length less 2.
fn runs(line: Line, side: usize) -> u32 {
    let like_next = line.xor(line.after(1)).not(side - 1);
    // Where five begin: a run of n has n - 4 such places.
    let five = like_next.and(like_next.after(1)).and(like_next.after(2)).and(like_next.after(3));
    five.count() + 2 * five.and(five.before(1).not(side)).count()
}

/// 3 for each square of two by two alike.
fn blocks(row: Line, next: Line, side: usize) -> u32 {
    let alike = row.xor(row.after(1)).not(side - 1).and(next.xor(next.after(1)).not(side - 1));
    3 * alike.and(row.xor(next).not(side)).count()
}

/// 40 for each dark-light-dark-dark-dark-light-dark with four light ones before or behind.
fn finders(line: Line, side: usize) -> u32 {
    let light = line.not(side);
    let dark = |n| line.after(n);
    let ends = line.and(light.after(1)).and(dark(2)).and(dark(3)).and(dark(4)).and(light.after(5)).and(dark(6));
    let any = |of: fn(Line, u32) -> Line, from| (from + 1..from + 4).fold(of(line, from), |any, n| any.or(of(line, n)));
    let dark_before_and_behind = any(Line::before, 1).and(any(Line::after, 7));
    40 * ends.and(dark_before_and_behind.not(side)).count()
}

/// A row or column: a bit for each module, 1 is dark; the first module is the lowest bit.
#[derive(Clone, Copy)]
struct Line([u64; 3]);

impl Line {
    const NONE: Line = Line([0; 3]);

    fn set(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    fn count(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// In place of each module the one `n` further on; `n` is 1 to 63.
    fn after(self, n: u32) -> Line {
        let [a, b, c] = self.0;
        Line([a >> n | b << (64 - n), b >> n | c << (64 - n), c >> n])
    }

    /// In place of each module the one `n` before it; `n` is 1 to 63.
    fn before(self, n: u32) -> Line {
        let [a, b, c] = self.0;
        Line([a << n, b << n | a >> (64 - n), c << n | b >> (64 - n)])
    }

    fn and(self, other: Line) -> Line {
        self.with(other, |a, b| a & b)
    }

    fn or(self, other: Line) -> Line {
        self.with(other, |a, b| a | b)
    }

    fn xor(self, other: Line) -> Line {
        self.with(other, |a, b| a ^ b)
    }

    /// The other colour of the first `side` modules.
    fn not(self, side: usize) -> Line {
        let within = |word: usize| match side.saturating_sub(word * 64) {
            0 => 0,
            n @ 1..64 => (1 << n) - 1,
            _ => u64::MAX,
        };
        let [a, b, c] = self.0;
        Line([!a & within(0), !b & within(1), !c & within(2)])
    }

    fn with(self, other: Line, of: impl Fn(u64, u64) -> u64) -> Line {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        Line([of(a, x), of(b, y), of(c, z)])
    }
}

#[cfg(test)]
mod tests {
    use qrcode::bits::Bits;
    use qrcode::{QrCode, Version};

    use super::super::Level;
    use super::super::encode::finished;

    /// Versions of one, two and three words; what repeats has long runs, and what looks like a finder comes by chance.
    #[test]
    fn the_crates_choice() {
        for (version, level) in
            [(1, Level::H), (2, Level::L), (5, Level::M), (11, Level::Q), (12, Level::L), (27, Level::M), (28, Level::L)]
        {
            for n in 0..24usize {
                let bits = || {
                    let mut bits = Bits::new(Version::Normal(version));
                    let data: Vec<u8> = (0..3 + n % 5).map(|at| (at * n * 37 + n) as u8).collect();
                    bits.push_byte_data(&data).unwrap();
                    bits.push_terminator(level.correction()).unwrap();
                    bits
                };
                let ours = finished(bits(), level).unwrap();
                let theirs = QrCode::with_bits(bits(), level.correction()).unwrap();
                assert_eq!(ours.width, theirs.width());
                let dark: Vec<bool> = theirs.to_colors().into_iter().map(|module| module == qrcode::Color::Dark).collect();
                assert!(ours.dark == dark, "version {version}, {n}");
            }
        }
    }
}
