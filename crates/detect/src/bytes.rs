//! Snapshots as bytes: little-endian numbers, texts with their length, nothing trusted on the way back.

use uuid::Uuid;

/// Bytes that are no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

pub(crate) fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn put_i64(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn put_f64(out: &mut Vec<u8>, number: f64) {
    put_u64(out, number.to_bits());
}

pub(crate) fn put_len(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

pub(crate) fn put_uuid(out: &mut Vec<u8>, id: Uuid) {
    out.extend_from_slice(id.as_bytes());
}

/// Takes values off the front of a slice.
#[derive(Debug)]
pub(crate) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(crate) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'b [u8], Damaged> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(Damaged)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        self.take(N)?.try_into().map_err(|_| Damaged)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Damaged> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Damaged> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Damaged> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub(crate) fn f64(&mut self) -> Result<f64, Damaged> {
        Ok(f64::from_bits(self.u64()?))
    }

    pub(crate) fn uuid(&mut self) -> Result<Uuid, Damaged> {
        Ok(Uuid::from_bytes(self.array()?))
    }

    /// A number of items, each at least `bytes_each` long: what cannot fit in the rest is refused.
    pub(crate) fn len(&mut self, bytes_each: usize) -> Result<usize, Damaged> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        let fits = length.checked_mul(bytes_each.max(1)).is_some_and(|bytes| bytes <= self.rest.len());
        if fits { Ok(length) } else { Err(Damaged) }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], Damaged> {
        let length = self.len(1)?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'b str, Damaged> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Damaged)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}
