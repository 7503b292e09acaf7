//! One file's bytes: as a reader sees them, as they lie on the disk, and what separates the two.

const SECTOR: usize = 512;

/// A change that the disk has not been told to keep yet.
#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetSize(usize),
}

#[derive(Debug, Default)]
pub(super) struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

impl Content {
    pub(super) fn size(&self) -> u64 {
        self.seen.len() as u64
    }

    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let rest =
            usize::try_from(offset).ok().and_then(|offset| self.seen.get(offset..)).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        read
    }

    pub(super) fn write_at(&mut self, bytes: &[u8], offset: usize) {
        apply_write(&mut self.seen, bytes, offset);
        self.unsynced.push(Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn set_size(&mut self, size: usize) {
        self.seen.resize(size, 0);
        self.unsynced.push(Change::SetSize(size));
    }

    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            match change {
                Change::Write { offset, bytes } => apply_write(&mut self.durable, &bytes, offset),
                Change::SetSize(size) => self.durable.resize(size, 0),
            }
        }
        // A sync also keeps the size, even where an earlier failed sync lost what made it.
        self.durable.resize(self.seen.len(), 0);
    }

    /// A sync that fails: the changes are still seen, but no later sync will keep them.
    pub(super) fn fail_sync(&mut self) {
        self.unsynced.clear();
    }

    /// What a reader finds after the power cut. `keep` decides for each sector of an unsynced write, and
    /// for each unsynced change of size, whether it had reached the disk by itself.
    pub(super) fn forget(&mut self, mut keep: impl FnMut() -> bool) {
        for change in self.unsynced.drain(..) {
            match change {
                Change::SetSize(size) if keep() => self.durable.resize(size, 0),
                Change::SetSize(_) => {}
                Change::Write { offset, bytes } => {
                    for (part, offset) in sectors(&bytes, offset) {
                        if keep() {
                            apply_write(&mut self.durable, part, offset);
                        }
                    }
                }
            }
        }
        self.seen.clone_from(&self.durable);
    }
}

/// The parts of a write, one for each sector of the file that it touches.
fn sectors(mut bytes: &[u8], mut offset: usize) -> impl Iterator<Item = (&[u8], usize)> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let room = SECTOR - offset % SECTOR;
        let (part, rest) = bytes.split_at(room.min(bytes.len()));
        let at = offset;
        bytes = rest;
        offset += part.len();
        Some((part, at))
    })
}

fn apply_write(content: &mut Vec<u8>, bytes: &[u8], offset: usize) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_sync_loses_its_bytes_even_if_a_later_sync_succeeds() {
        let mut content = Content::default();
        content.write_at(b"lost", 0);
        content.fail_sync();
        content.write_at(b"kept", 4);
        content.sync();
        content.forget(|| false);
        assert_eq!(content.seen, b"\0\0\0\0kept");
    }

    #[test]
    fn a_torn_write_keeps_whole_sectors() {
        let mut content = Content::default();
        content.write_at(&[7; 1000], 100);
        let mut chances = [false, true, false].into_iter();
        content.forget(|| chances.next().unwrap_or_default());
        let kept = content.seen.iter().enumerate().filter(|(_, byte)| **byte == 7).map(|(at, _)| at);
        assert_eq!(kept.collect::<Vec<_>>(), (512..1024).collect::<Vec<_>>());
    }
}
