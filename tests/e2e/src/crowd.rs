//! Many clients at once, each of which gives up when an answer does not come.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::{Answered, Api, Ledger, PATIENCE, calculation};

/// Clients that are sending.
#[derive(Debug)]
pub struct Crowd {
    clients: JoinSet<Vec<(String, Answered)>>,
    answers: Arc<watch::Sender<usize>>,
}

impl Crowd {
    /// Each of `clients` calculates and approves so many commissions, one after the other. `name` tells their
    /// conversions from those of other crowds.
    pub fn send(api: &Api, name: &str, clients: usize, commissions_each: usize) -> Self {
        let answers = Arc::new(watch::Sender::new(0));
        let clients = (0..clients)
            .map(|client| {
                let conversions = (0..commissions_each).map(|number| format!("{name}-{client}-{number}"));
                one_client(api.clone(), conversions.collect(), Arc::clone(&answers))
            })
            .collect();
        Self { clients, answers }
    }

    /// Returns when all clients together saw so many answers. It gives up after a while: then a client has
    /// given up too, and [`finish`](Self::finish) says why.
    pub async fn answered(&self, count: usize) {
        let mut answers = self.answers.subscribe();
        let _ = timeout(PATIENCE, answers.wait_for(|answers| *answers >= count)).await;
    }

    /// Waits for all clients and notes what they know.
    pub async fn finish(mut self, ledger: &mut Ledger) {
        while let Some(known) = self.clients.join_next().await {
            for (conversion, answered) in known.expect("a client saw only answers that it expects") {
                ledger.note(conversion, answered);
            }
        }
    }
}

async fn one_client(
    api: Api,
    conversions: Vec<String>,
    answers: Arc<watch::Sender<usize>>,
) -> Vec<(String, Answered)> {
    let mut known = Vec::new();
    for conversion in conversions {
        let answered = calculate_and_approve(&api, &conversion, &answers).await;
        let is_cut_off = !matches!(answered, Answered::Approved { .. });
        known.push((conversion, answered));
        if is_cut_off {
            break;
        }
    }
    known
}

async fn calculate_and_approve(api: &Api, conversion: &str, answers: &watch::Sender<usize>) -> Answered {
    let Some((status, body)) = api.try_post("/commissions/calculate", &calculation(conversion)).await else {
        return Answered::Nothing;
    };
    assert_eq!(status, 201, "{body}");
    let commission = body["commissionId"].as_str().expect("it has an id").to_owned();
    answers.send_modify(|answers| *answers += 1);

    let approval = json!({ "commissionId": commission });
    let Some((status, body)) = api.try_post("/commissions/approve", &approval).await else {
        return Answered::Calculated { commission };
    };
    assert_eq!(status, 200, "{body}");
    answers.send_modify(|answers| *answers += 1);
    Answered::Approved { commission }
}
