//! Zstd, frame after frame (RFC 8878, 3.1).

use std::io::{self, BufRead, ErrorKind, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The data of all frames; frames that are to be skipped are.
pub(super) struct ZstdFrames<R> {
    source: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: BufRead> ZstdFrames<R> {
    pub(super) fn new(source: R) -> Self {
        ZstdFrames { source, decoder: FrameDecoder::new(), is_in_frame: false }
    }

    /// Begins the next frame. Says whether there is one.
    fn turn_to_next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut self.source.by_ref().take(length), &mut io::sink())?;
                    if skipped < length {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(damaged(error)),
            }
        }
    }

    /// Holds a frame's data against the checksum behind it, if there is one.
    fn check(&self) -> io::Result<()> {
        let written = self.decoder.get_checksum_from_data();
        match written.is_none() || written == self.decoder.get_calculated_checksum() {
            true => Ok(()),
            false => Err(damaged("the checksum of a zstd frame does not match its data")),
        }
    }
}

fn damaged(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.is_in_frame {
                self.is_in_frame = self.turn_to_next_frame()?;
                if !self.is_in_frame {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, one).map_err(damaged)?;
            }
            match self.decoder.read(buffer)? {
                0 if self.decoder.is_finished() => {
                    self.check()?;
                    self.is_in_frame = false;
                }
                count => return Ok(count),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut data = Vec::new();
        ZstdFrames::new(bytes).read_to_end(&mut data).map(|_| data)
    }

    /// `printf abc | zstd`: with a checksum.
    const ABC: [u8; 16] =
        [0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x19, 0, 0, b'a', b'b', b'c', 0x99, 0x09, 0x77, 0xad];

    #[test]
    fn a_frame_whose_data_are_not_those_of_its_checksum_is_damaged() {
        assert_eq!(unpacked(&ABC).unwrap(), b"abc");
        let mut other = ABC;
        other[9] = b'x';
        assert!(unpacked(&other).unwrap_err().to_string().contains("checksum"));
    }

    proptest! {
        #[test]
        fn frames_are_unpacked_and_damage_is_an_error_or_other_data(
            parts in prop::collection::vec("[ab]{0,60}", 1..4),
            damage in prop::option::of((any::<prop::sample::Index>(), 1u8..)),
            cut in any::<prop::sample::Index>(),
        ) {
            let pack = |part: &String| compress_to_vec(part.as_bytes(), CompressionLevel::Fastest);
            let mut packed: Vec<u8> = parts.iter().flat_map(pack).collect();
            prop_assert_eq!(unpacked(&packed).unwrap(), parts.concat().into_bytes());
            let _ = unpacked(&packed[..cut.index(packed.len())]);
            if let Some((at, mask)) = damage {
                let at = at.index(packed.len());
                packed[at] ^= mask;
                let _ = unpacked(&packed);
            }
        }
    }
}
