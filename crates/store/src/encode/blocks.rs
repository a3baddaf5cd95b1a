//! The blocks that a text builder keeps its bytes in: of the size that the last batch needed, and growing when this one
//! needs more. A batch of one record must not cost 8 KiB a column, nor a large batch a block every few rows.

use deltalake::arrow::array::builder::StringViewBuilder;

/// Longest block that is allocated at once.
const BLOCK_BYTES_MAX: usize = 2 << 20;
/// Shortest one.
const BLOCK_BYTES_MIN: usize = 64;
/// Views hold text of up to this length themselves.
const INLINE_BYTES: usize = 12;

/// Bytes of the text so far, and the size of the next block.
#[derive(Debug)]
pub(super) struct Blocks {
    bytes: usize,
    block: usize,
}

impl Blocks {
    /// A builder with room for `rows` texts, of as many bytes in all as `last` counted.
    pub(super) fn builder(rows: usize, last: &Self) -> (StringViewBuilder, Self) {
        // An eighth more than the last batch took, so that a batch like it fits one block.
        let block = (last.bytes + last.bytes / 8).clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX);
        (sized(StringViewBuilder::with_capacity(rows), block), Self { bytes: 0, block })
    }

    /// For a column that no batch has touched yet.
    pub(super) const fn none() -> Self {
        Self { bytes: 0, block: BLOCK_BYTES_MIN }
    }

    /// Appends a text to its builder.
    #[inline]
    pub(super) fn append(&mut self, builder: &mut StringViewBuilder, text: &str) {
        if text.len() > INLINE_BYTES {
            self.bytes += text.len();
            if self.bytes > 2 * self.block && self.block < BLOCK_BYTES_MAX {
                self.grow(builder);
            }
        }
        builder.append_value(text);
    }

    #[cold]
    fn grow(&mut self, builder: &mut StringViewBuilder) {
        self.block = (self.bytes * 2).min(BLOCK_BYTES_MAX);
        let content = std::mem::replace(builder, StringViewBuilder::with_capacity(0));
        *builder = sized(content, self.block);
    }
}

fn sized(builder: StringViewBuilder, block: usize) -> StringViewBuilder {
    builder.with_fixed_block_size(u32::try_from(block).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use deltalake::arrow::array::Array;

    use super::*;

    #[test]
    fn blocks_are_few_whatever_the_batch_before_was() {
        let (mut builder, mut blocks) = Blocks::builder(0, &Blocks::none());
        for (rows, blocks_max) in [(1, 1), (5000, 16), (5000, 1), (1, 1), (20_000, 16)] {
            for row in 0..rows {
                blocks.append(&mut builder, &format!("a text of some length {row}"));
            }
            let array = builder.finish();
            assert_eq!(array.len(), rows);
            assert_eq!(array.value(rows - 1), format!("a text of some length {}", rows - 1));
            assert!(array.data_buffers().len() <= blocks_max, "{rows} rows, {} blocks", array.data_buffers().len());
            (builder, blocks) = Blocks::builder(rows, &blocks);
        }
    }
}
