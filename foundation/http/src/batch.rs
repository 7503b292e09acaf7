//! Answers to batches: each item has its own, as if it had been sent alone.

use http::StatusCode;
use serde_json::Value;

use crate::{FieldError, Problem};

/// What became of each item of a batch, and how many fared alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<V> {
    /// Those that were done now: 201.
    pub created: usize,
    /// Those that were there already.
    pub known: usize,
    pub refused: usize,
    /// In the order of the items.
    pub results: Vec<V>,
}

impl<V> Batch<V> {
    /// `outcomes` are those of the items that could be read, in their order. `done` gives the status that an item would
    /// have had alone, and what is shown of it; `view` puts together an item's index, status, and what is shown or why
    /// it was refused.
    pub fn of<T, O, E: Into<Problem>, W>(
        items: &[Result<T, Vec<FieldError>>],
        outcomes: Vec<Result<O, E>>,
        done: impl Fn(O) -> (StatusCode, W),
        view: impl Fn(usize, u16, Option<W>, Option<Value>) -> V,
    ) -> Self {
        let mut outcomes = outcomes.into_iter();
        let mut batch = Self { created: 0, known: 0, refused: 0, results: Vec::with_capacity(items.len()) };
        for (index, item) in items.iter().enumerate() {
            let outcome = match item {
                Ok(_) => outcomes.next().expect("what could be read has an outcome").map_err(Into::into),
                Err(errors) => Err(Problem::invalid(errors.clone())),
            };
            let (status, shown, problem) = match outcome {
                Ok(outcome) => {
                    let (status, shown) = done(outcome);
                    let count =
                        if status == StatusCode::CREATED { &mut batch.created } else { &mut batch.known };
                    *count += 1;
                    (status, Some(shown), None)
                }
                Err(problem) => {
                    batch.refused += 1;
                    (problem.status, None, Some(problem.to_json()))
                }
            };
            batch.results.push(view(index, status.as_u16(), shown, problem));
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Said;

    #[test]
    fn each_item_has_its_outcome_also_beside_one_that_could_not_be_read() {
        let pointer = "/items/1/amount".to_owned();
        let error = FieldError { pointer, code: "missing_field", message: Said::default() };
        let items = [Ok('a'), Err(vec![error]), Ok('b'), Ok('c')];
        let outcomes = vec![Ok(201), Err(Problem::conflict("taken", Said::default())), Ok(200)];
        let done = |status: u16| (StatusCode::from_u16(status).unwrap(), status);
        let view = |index, status, shown: Option<u16>, problem: Option<Value>| {
            (index, status, shown, problem.map(|problem| problem["code"].clone()))
        };
        let batch = Batch::of(&items, outcomes, done, view);
        assert_eq!((batch.created, batch.known, batch.refused), (1, 1, 2));
        let wanted = [
            (0, 201, Some(201), None),
            (1, 422, None, Some("invalid_request".into())),
            (2, 409, None, Some("taken".into())),
            (3, 200, Some(200), None),
        ];
        assert_eq!(batch.results, wanted);
    }
}
