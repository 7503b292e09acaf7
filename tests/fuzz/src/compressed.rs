//! Compressed bodies.

use bytes::{Buf, Bytes};
use hexalpes_wire::compression::{self, Codec};

const MAX_BYTES: usize = 1 << 20;
const CODECS: [Codec; 5] = [Codec::None, Codec::Lz4, Codec::Zlib, Codec::Zstd, Codec::Snappy];

/// A codec, the size that is announced, and a body. What is unpacked is as long as announced and not longer than allowed;
/// packed and unpacked again it is the same.
pub(crate) fn compression(data: &[u8]) {
    let mut body = Bytes::copy_from_slice(data);
    let (Ok(codec), Ok(announced)) = (body.try_get_u8(), body.try_get_u32()) else { return };
    let codec = CODECS[usize::from(codec) % CODECS.len()];
    let announced = usize::try_from(announced).unwrap();
    let body = match compression::decompress(codec, &body, announced, MAX_BYTES) {
        Ok(unpacked) => {
            assert!(codec == Codec::None || (unpacked.len() == announced && announced <= MAX_BYTES));
            unpacked
        }
        Err(_) => body,
    };
    let packed = compression::compress(codec, &body);
    assert_eq!(compression::decompress(codec, &packed, body.len(), body.len()).unwrap(), body);
}
