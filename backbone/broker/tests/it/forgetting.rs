//! The power is cut under producers, and what was not synced is gone: every receipt still holds.

use std::{path::Path, sync::Arc};

use hexalpes_broker::{BrokerOptions, Policy};
use hexalpes_files::ForgetfulFiles;
use hexalpes_wire::proto::{Command, SubType};
use tempfile::tempdir;

use crate::peer::{Peer, Running};

const TOPICS: usize = 4;
/// How often the power is cut in one history.
const CUTS: u64 = 4;

/// What one topic's producer was told, and what it does not know.
#[derive(Default)]
struct Told {
    /// How many messages were sent, whose sequence ids begin with 0.
    sent: u64,
    /// Sequence ids that have receipts.
    receipts: Vec<u64>,
}

fn topic(number: usize) -> String {
    format!("persistent://public/default/topic-{number}")
}

fn options(disk: &ForgetfulFiles, data: &Path) -> impl FnOnce(String) -> BrokerOptions + use<> {
    let (disk, data) = (disk.clone(), data.to_owned());
    move |url| BrokerOptions { files: Arc::new(disk), ..BrokerOptions::new(data, url) }
}

/// Sends until the broker says no more.
async fn produce(mut peer: Peer, mut told: Told) -> Told {
    loop {
        let sequence_id = told.sent;
        told.sent += 1;
        match peer.try_send(sequence_id, &sequence_id.to_string()).await {
            Some(Command::SendReceipt(_)) => told.receipts.push(sequence_id),
            _ => return told,
        }
    }
}

/// That a topic holds what its producer was told: read back, and as its deduplication remembers it.
async fn check(running: &Running, number: usize, told: &mut Told) -> Result<Peer, String> {
    let mut producer = running.peer().await;
    let answer = producer.open_producer(&topic(number), Some("p")).await;
    let Command::ProducerSuccess(success) = answer else { return Err(format!("{answer:?}")) };
    let last = told.receipts.last().copied();
    if let Some(last) = last {
        if success.last_sequence_id() < i64::try_from(last).unwrap() {
            return Err(format!("{} is remembered of {last}", success.last_sequence_id()));
        }
        let again = producer.send(last, "sent again").await;
        if again != Command::duplicate_receipt(1, last, last) {
            return Err(format!("{last} is taken again: {again:?}"));
        }
    }
    let marker = told.sent;
    told.sent += 1;
    let stored = producer.send(marker, &marker.to_string()).await;
    if !matches!(stored, Command::SendReceipt(_)) {
        return Err(format!("{stored:?}"));
    }
    told.receipts.push(marker);

    let mut reader = running.peer().await;
    reader.subscribe_as(&topic(number), &format!("reader-{marker}"), SubType::Exclusive).await;
    reader.flow(100_000).await;
    let mut found: Vec<u64> = Vec::new();
    while found.last() != Some(&marker) {
        found.push(reader.message().await.2.parse().map_err(|_| "a duplicate was stored")?);
    }
    if !found.is_sorted_by(|one, next| one < next) {
        return Err(format!("out of order or twice: {found:?}"));
    }
    match told.receipts.iter().find(|receipt| !found.contains(receipt)) {
        Some(lost) => Err(format!("{lost} had a receipt and is gone")),
        None => Ok(producer),
    }
}

/// One broker's data through some lives, each but the last ended by a power cut.
async fn history(disk: &ForgetfulFiles, seed: u64) -> Result<(), String> {
    let data = tempdir().unwrap();
    let mut told: Vec<Told> = (0..TOPICS).map(|_| Told::default()).collect();
    for cut in 0..=CUTS {
        let running = Running::open(options(disk, data.path())).await.map_err(|error| error.to_string())?;
        running.broker.set_policy("public/default", Policy::Deduplication, true.into()).unwrap();
        let mut producers = Vec::new();
        for (number, told) in told.iter_mut().enumerate() {
            producers.push(check(&running, number, told).await?);
        }
        if cut == CUTS {
            running.stop().await;
            break;
        }
        if cut == 1 {
            // A life that ends well, so that later ones start from its snapshot of the producers.
            running.stop().await;
            continue;
        }
        disk.cut_power_after(1 + u32::try_from(seed * 31 + cut * 17).unwrap() % 60);
        let producing = producers.into_iter().zip(told).map(|(peer, told)| tokio::spawn(produce(peer, told)));
        let producing: Vec<_> = producing.collect();
        told = Vec::new();
        for producer in producing {
            told.push(producer.await.unwrap());
        }
        running.crash().await;
        disk.forget_torn(seed + cut);
    }
    Ok(())
}

#[tokio::test]
async fn receipts_hold_when_the_power_is_cut() {
    for seed in 0..8 {
        history(&ForgetfulFiles::new(), seed).await.unwrap_or_else(|what| panic!("seed {seed}: {what}"));
    }
}

/// The control: on a disk that does not sync, the same histories must not pass.
#[tokio::test]
async fn without_syncs_receipts_do_not_hold() {
    let mut failed = 0;
    for seed in 0..4 {
        let disk = ForgetfulFiles::new();
        disk.ignore_syncs();
        failed += u32::from(history(&disk, seed).await.is_err());
    }
    assert!(failed >= 3, "only {failed} of 4 histories noticed that nothing was synced");
}
