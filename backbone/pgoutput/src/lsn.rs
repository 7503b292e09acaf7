//! Places in PostgreSQL's log: bytes since its beginning, written as `16/B374D848`.

/// As statements take it.
pub(crate) fn text(lsn: u64) -> String {
    format!("{:X}/{:X}", lsn >> 32, lsn & 0xFFFF_FFFF)
}

pub(crate) fn parse(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    let part = |digits| u32::from_str_radix(digits, 16).ok();
    Some(u64::from(part(high)?) << 32 | u64::from(part(low)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_lsn_is_read_as_it_is_written() {
        assert_eq!(text(0x16_B374_D848), "16/B374D848");
        assert_eq!(parse("16/B374D848"), Some(0x16_B374_D848));
        assert_eq!(text(0x00FF), "0/FF");
        assert_eq!(parse("16"), None);
    }
}
