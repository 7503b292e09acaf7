//! The tables of programs, affiliates and links. Unique keys hold what must not be there twice.

mod affiliates;
mod links;
mod programs;
mod tables;

pub(crate) use affiliates::{
    AffiliateFilter, RatesFrom, Taken, history, insert_affiliate, load_affiliate, page_of_affiliates,
    save_affiliate,
};
pub(crate) use links::{insert_link, page_of_links};
pub(crate) use programs::{insert_program, load_program, page_of_programs, save_program};
pub use tables::MIGRATIONS;

use hexalpes_kernel::{Amount, Rate};

/// The only tenant there is until authentication tells them apart.
const TENANT: &str = "default";

fn rate(text: &str) -> Option<Rate> {
    Rate::from_percent(Amount::parse(text).ok()?).ok()
}
