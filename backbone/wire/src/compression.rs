//! The codecs of a payload. What comes out is bounded by what the metadata announces and by a maximum,
//! so that a small message cannot unfold into all of memory.

use std::io::{ErrorKind, Read, Write};

use bytes::Bytes;

pub use crate::proto::CompressionType as Codec;

/// The level that Pulsar's own clients use for ZSTD.
const ZSTD_LEVEL: i32 = 3;

/// A payload that cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum CompressionError {
    #[error("compression type {number} is unknown")]
    UnknownCodec { number: i32 },
    #[error("payload announces {bytes} bytes, and {max_bytes} are allowed")]
    TooLarge { bytes: usize, max_bytes: usize },
    #[error("{codec:?} payload announces {announced_bytes} bytes and unpacks to {bytes}")]
    WrongSize { codec: Codec, announced_bytes: usize, bytes: usize },
    #[error("{codec:?} payload is damaged: {reason}")]
    Damaged { codec: Codec, reason: String },
}

/// Packs a body. With [`Codec::None`] it is the body itself, not a copy.
pub fn compress(codec: Codec, body: &Bytes) -> Bytes {
    match codec {
        Codec::None => body.clone(),
        Codec::Lz4 => lz4_flex::block::compress(body).into(),
        Codec::Zlib => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(body).and_then(|()| encoder.finish()).expect("a Vec takes every byte").into()
        }
        Codec::Zstd => {
            zstd::bulk::compress(body, ZSTD_LEVEL).expect("a buffer of zstd's own bound is enough").into()
        }
        Codec::Snappy => {
            snap::raw::Encoder::new().compress_vec(body).expect("a body is shorter than 4 GiB").into()
        }
    }
}

/// Unpacks a body to exactly the size that its metadata announces.
pub fn decompress(
    codec: Codec,
    body: &Bytes,
    announced_bytes: usize,
    max_bytes: usize,
) -> Result<Bytes, CompressionError> {
    if codec == Codec::None {
        return Ok(body.clone());
    }
    if announced_bytes > max_bytes {
        return Err(CompressionError::TooLarge { bytes: announced_bytes, max_bytes });
    }
    let damaged = |reason: String| CompressionError::Damaged { codec, reason };
    let mut out = vec![0; announced_bytes];
    let bytes = match codec {
        Codec::None => unreachable!("answered above"),
        Codec::Lz4 => lz4_flex::block::decompress_into(body, &mut out).map_err(|e| damaged(e.to_string()))?,
        Codec::Zlib => fill(&mut flate2::read::ZlibDecoder::new(&body[..]), &mut out)
            .map_err(|e| damaged(e.to_string()))?,
        Codec::Zstd => {
            zstd::bulk::decompress_to_buffer(body, &mut out).map_err(|e| damaged(e.to_string()))?
        }
        Codec::Snappy => {
            let bytes = snap::raw::decompress_len(body).map_err(|e| damaged(e.to_string()))?;
            if bytes != announced_bytes {
                return Err(CompressionError::WrongSize { codec, announced_bytes, bytes });
            }
            snap::raw::Decoder::new().decompress(body, &mut out).map_err(|e| damaged(e.to_string()))?
        }
    };
    if bytes != announced_bytes {
        return Err(CompressionError::WrongSize { codec, announced_bytes, bytes });
    }
    Ok(out.into())
}

/// Reads until `out` is full, and one byte more to see that this was all. Java's clients and brokers flush a ZLIB stream and
/// do not end it: that nothing follows is enough.
fn fill(reader: &mut impl Read, out: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < out.len() {
        match reader.read(&mut out[filled..])? {
            0 => return Ok(filled),
            n => filled += n,
        }
    }
    match reader.read(&mut [0]) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(filled),
        read => Ok(filled + read?),
    }
}

/// The codec that a metadata field names.
pub fn codec(number: i32) -> Result<Codec, CompressionError> {
    Codec::try_from(number).map_err(|_| CompressionError::UnknownCodec { number })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
    use super::*;

    const CODECS: [Codec; 5] = [Codec::None, Codec::Lz4, Codec::Zlib, Codec::Zstd, Codec::Snappy];

    #[test]
    fn every_codec_gives_back_what_it_took() {
        for body in [Bytes::new(), Bytes::from_static(b"x"), Bytes::from("Ñandú & Cía ".repeat(5000))] {
            for codec in CODECS {
                let packed = compress(codec, &body);
                assert_eq!(decompress(codec, &packed, body.len(), body.len()).unwrap(), body, "{codec:?}");
            }
        }
    }

    #[test]
    fn a_payload_that_unpacks_to_another_size_is_refused() {
        let body = Bytes::from(vec![7; 1000]);
        for codec in CODECS.into_iter().skip(1) {
            let packed = compress(codec, &body);
            for announced in [0, 999, 1001] {
                assert!(decompress(codec, &packed, announced, 10_000).is_err(), "{codec:?} {announced}");
            }
        }
    }

    /// As Java's clients leave it.
    #[test]
    fn a_zlib_stream_that_was_flushed_and_not_ended_is_read() {
        let body = Bytes::from("Ñandú & Cía ".repeat(500));
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&body).unwrap();
        encoder.flush().unwrap();
        let packed = Bytes::copy_from_slice(encoder.get_ref());
        assert_eq!(decompress(Codec::Zlib, &packed, body.len(), body.len()).unwrap(), body);
        assert!(decompress(Codec::Zlib, &packed, body.len() - 1, body.len()).is_err());
        assert!(decompress(Codec::Zlib, &packed, body.len() + 1, 2 * body.len()).is_err());
    }

    #[test]
    fn a_payload_over_the_maximum_is_refused_before_it_is_unpacked() {
        let error = decompress(Codec::Lz4, &Bytes::new(), usize::MAX, 5).unwrap_err();
        assert!(matches!(error, CompressionError::TooLarge { max_bytes: 5, .. }));
    }

    #[test]
    fn damage_is_an_error() {
        for codec in CODECS.into_iter().skip(1) {
            assert!(decompress(codec, &Bytes::from_static(&[0xff; 40]), 100, 100).is_err(), "{codec:?}");
        }
    }
}
