//! The orientation out of EXIF data (a TIFF structure): tag 0x0112 of the first directory.

/// Entries that one directory may have before we stop looking; cameras write a few dozen.
const MAX_ENTRIES: usize = 1_024;

/// 1 to 8; 1 where there is none or the data is broken. `exif` begins with the TIFF header, or with `Exif\0\0` before it.
pub(super) fn orientation(exif: &[u8]) -> u8 {
    read(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif)).unwrap_or(1)
}

fn read(tiff: &[u8]) -> Option<u8> {
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let u16_at = |at: usize| -> Option<u16> {
        let bytes = *tiff.get(at..)?.first_chunk::<2>()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let u32_at = |at: usize| -> Option<u32> {
        let bytes = *tiff.get(at..)?.first_chunk::<4>()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = u32_at(4)? as usize;
    let count = usize::from(u16_at(directory)?).min(MAX_ENTRIES);
    for entry in 0..count {
        let at = directory.checked_add(2 + entry * 12)?;
        if u16_at(at)? == 0x0112 {
            const SHORT: u16 = 3;
            let value = u16_at(at + 8)?;
            return (u16_at(at + 2)? == SHORT && (1..=8).contains(&value)).then_some(value as u8);
        }
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The smallest EXIF block that names an orientation.
    pub fn block(orientation: u16, little: bool) -> Vec<u8> {
        type Order = (Vec<u8>, fn(u16) -> [u8; 2], fn(u32) -> [u8; 4]);
        let (mut out, u16b, u32b): Order = if little {
            (b"II*\0".to_vec(), u16::to_le_bytes, u32::to_le_bytes)
        } else {
            (b"MM\0*".to_vec(), u16::to_be_bytes, u32::to_be_bytes)
        };
        out.extend(u32b(8));
        out.extend(u16b(1));
        out.extend(u16b(0x0112));
        out.extend(u16b(3));
        out.extend(u32b(1));
        out.extend(u16b(orientation));
        out.extend([0, 0]);
        out.extend(u32b(0));
        out
    }

    #[test]
    fn both_byte_orders_and_every_cut() {
        for little in [true, false] {
            for value in 1..=8 {
                assert_eq!(orientation(&block(value, little)), value as u8);
            }
            assert_eq!(orientation(&block(0, little)), 1);
            assert_eq!(orientation(&block(9, little)), 1);
            let whole = block(6, little);
            for cut in 0..whole.len() {
                orientation(&whole[..cut]);
            }
        }
        let mut prefixed = b"Exif\0\0".to_vec();
        prefixed.extend(block(3, false));
        assert_eq!(orientation(&prefixed), 3);
        assert_eq!(orientation(b"II*\0\xff\xff\xff\xff"), 1, "a directory far outside");
    }
}
