//! A cursor over a buffer that the caller owns.

use super::EncodeError;

/// Writes fields one after another into a fixed buffer.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    /// Starts at the front of `buffer`.
    #[must_use]
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// How many bytes have been written.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing has been written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many more bytes fit.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.buffer.len().saturating_sub(self.len)
    }

    /// What has been written.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Skips `len` bytes and returns them, for the caller to fill.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`] where fewer are left; nothing is written then.
    pub fn reserve(&mut self, len: usize) -> Result<&mut [u8], EncodeError> {
        let end = self
            .len
            .checked_add(len)
            .ok_or(EncodeError::BufferTooSmall)?;
        let space = self
            .buffer
            .get_mut(self.len..end)
            .ok_or(EncodeError::BufferTooSmall)?;
        self.len = end;
        Ok(space)
    }

    /// Returns `len` bytes from `start` on that were written before, to write them again.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`] where they have not all been written.
    pub fn rewrite(&mut self, start: usize, len: usize) -> Result<&mut [u8], EncodeError> {
        let end = start.checked_add(len).filter(|end| *end <= self.len);
        end.and_then(|end| self.buffer.get_mut(start..end))
            .ok_or(EncodeError::BufferTooSmall)
    }

    /// Writes `bytes` as they are.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; nothing is written then. So for all that follow.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.reserve(bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes one byte.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn u8(&mut self, value: u8) -> Result<(), EncodeError> {
        self.bytes(&[value])
    }

    /// Writes a 16-bit number.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn u16(&mut self, value: u16) -> Result<(), EncodeError> {
        self.bytes(&value.to_le_bytes())
    }

    /// Writes a 32-bit number.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn u32(&mut self, value: u32) -> Result<(), EncodeError> {
        self.bytes(&value.to_le_bytes())
    }

    /// Writes a 64-bit number.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn u64(&mut self, value: u64) -> Result<(), EncodeError> {
        self.bytes(&value.to_le_bytes())
    }

    /// Writes a 128-bit number.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn u128(&mut self, value: u128) -> Result<(), EncodeError> {
        self.bytes(&value.to_le_bytes())
    }
}
