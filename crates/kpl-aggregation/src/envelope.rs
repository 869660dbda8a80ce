//! What surrounds the protobuf message: four magic bytes before it, its MD5 behind it.

use bytes::{BufMut, Bytes, BytesMut};
use md5::{Digest, Md5};
use prost::Message;

/// The first bytes of every aggregated record.
pub(crate) const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];

const DIGEST_BYTES: usize = 16;

/// The bytes between magic and trailer, without a copy; `None` if `data` lack the magic, are too short, or the
/// trailer is not the MD5 of what it follows.
pub(crate) fn open(data: &Bytes) -> Option<Bytes> {
    let (body, digest) = data.strip_prefix(&MAGIC)?.split_last_chunk::<DIGEST_BYTES>()?;
    (Md5::digest(body).as_slice() == digest).then(|| data.slice_ref(body))
}

/// The encoded message between magic and trailer.
pub(crate) fn seal(message: &impl Message) -> Bytes {
    let body = message.encode_to_vec();
    let mut sealed = BytesMut::with_capacity(MAGIC.len() + body.len() + DIGEST_BYTES);
    sealed.put_slice(&MAGIC);
    sealed.put_slice(&body);
    sealed.put_slice(&Md5::digest(&body));
    sealed.freeze()
}
