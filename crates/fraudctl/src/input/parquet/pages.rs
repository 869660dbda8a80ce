//! The pages of a column, held against what the file says of the column before memory is taken for them.

use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};

/// Pages none of which claims more values than it can have.
pub(super) struct CheckedPages {
    pub(super) pages: Box<dyn PageReader>,
    /// The values of the whole column, as the file's footer has it.
    pub(super) values: u64,
}

impl CheckedPages {
    fn checked(&self, page: Option<Page>) -> Result<Option<Page>> {
        let most = match &page {
            // A value of a dictionary takes a byte at least.
            Some(Page::DictionaryPage { buf, .. }) => buf.len() as u64,
            _ => self.values,
        };
        match &page {
            Some(page) if u64::from(page.num_values()) > most => {
                Err(ParquetError::General("a page claims more values than there can be".to_owned()))
            }
            _ => Ok(page),
        }
    }
}

impl PageReader for CheckedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        self.checked(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

impl Iterator for CheckedPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

#[cfg(test)]
mod tests {
    use ::parquet::basic::Encoding;

    use super::*;

    /// A column of this one page.
    struct OnePage(Option<Page>);

    impl PageReader for OnePage {
        fn get_next_page(&mut self) -> Result<Option<Page>> {
            Ok(self.0.take())
        }

        fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
            Ok(None)
        }

        fn skip_next_page(&mut self) -> Result<()> {
            Ok(())
        }
    }

    impl Iterator for OnePage {
        type Item = Result<Page>;

        fn next(&mut self) -> Option<Self::Item> {
            self.get_next_page().transpose()
        }
    }

    #[test]
    fn a_page_that_claims_more_values_than_there_can_be_is_refused() {
        let encoding = Encoding::PLAIN;
        let dictionary = |num_values| Page::DictionaryPage {
            buf: vec![0; 8].into(),
            num_values,
            encoding,
            is_sorted: false,
        };
        let data = |num_values| Page::DataPage {
            buf: vec![0; 8].into(),
            num_values,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let read = |page| {
            let pages = Box::new(OnePage(Some(page)));
            CheckedPages { pages, values: 100 }.get_next_page()
        };
        assert!(read(dictionary(8)).is_ok() && read(data(100)).is_ok());
        assert!(read(dictionary(9)).is_err() && read(data(101)).is_err());
    }
}
