//! A disk that fills up while the product is at work.

use hexalpes_client::{Client, ClientOptions, Outgoing, ProducerOptions};
use hexalpes_e2e::{
    Answered, Backbone, Crowd, Ledger, PATIENCE, Product, SmallDisk, calculation,
    nothing_is_lost_and_nothing_is_twice,
};
use hexalpes_engines::PulsarUrls;
use serde_json::{Value, json};

const MIB: u64 = 1 << 20;
/// The journal's file, and not another one beside it.
const ROOMY: u64 = 48 * MIB;
const CLIENTS: usize = 4;

/// Commands one after the other, until one is refused: what it was answered.
async fn first_refusal(product: &Product, ledger: &mut Ledger) -> (u16, Value) {
    for number in 0..1000 {
        let conversion = format!("conv-full-{number}");
        let (status, body) = product.post("/commissions/calculate", &calculation(&conversion)).await;
        if status != 201 {
            ledger.note(conversion, Answered::Nothing);
            return (status, body);
        }
        let commission = body["commissionId"].as_str().unwrap().to_owned();
        ledger.note(conversion, Answered::Calculated { commission });
    }
    panic!("a full disk took every command");
}

/// It needs no restart.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_disk_is_full_commands_are_refused_and_with_room_again_all_goes_on() {
    let Some(disk) = SmallDisk::mount(ROOMY) else { return };
    let mut ledger = Ledger::default();
    let mut product = Product::start_in(&disk);
    Crowd::send(product.api(), "before", CLIENTS, 2).finish(&mut ledger).await;

    disk.fill();
    let (status, problem) = first_refusal(&product, &mut ledger).await;
    assert_eq!((status, &problem["code"]), (503, &json!("disk_full")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("full"), "{problem}");
    let (status, found) = product.get("/commissions/by-conversion/before-0-0").await;
    assert_eq!((status, &found["status"]), (200, &json!("APPROVED")), "queries are answered: {found}");

    disk.make_room();
    Crowd::send(product.api(), "after", CLIENTS, 2).finish(&mut ledger).await;
    assert_eq!(ledger.cut_off(), ledger.iter().filter(|(name, _)| name.starts_with("conv-full")).count());
    nothing_is_lost_and_nothing_is_twice(&mut product, &ledger).await;
}

/// Publishes to a topic of nobody's, more than the journal holds.
async fn publish_much(urls: PulsarUrls) {
    let client = Client::connect(ClientOptions::new(urls.service)).await.unwrap();
    let producer = client.producer("filler", ProducerOptions::default()).await.unwrap();
    for _ in 0..ROOMY / MIB {
        // It waits for room, and so for ever.
        let _ = producer.send(Outgoing::new(vec![0; 1 << 20])).await;
    }
}

/// After a write that failed the backbone takes nothing more until it is started again: nobody knows what of the
/// write is on the disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_backbone_whose_disk_is_full_holds_up_no_command_and_a_restart_with_room_loses_nothing() {
    let Some(disk) = SmallDisk::mount(ROOMY) else { return };
    let mut ledger = Ledger::default();
    let mut backbone = Backbone::start_on(&disk);
    let mut product = Product::serve_on(backbone.urls());
    Crowd::send(product.api(), "before", CLIENTS, 2).finish(&mut ledger).await;
    // They may have begun before their topics were ready, which a full disk would keep them from.
    product.event_lines(CLIENTS * 4);

    disk.fill();
    let publishing = tokio::spawn(publish_much(backbone.urls()));
    let is_told = || product.log().contains("No space left on device (os error 28); free some space");
    let refused = async {
        let mut round = 0;
        while !is_told() {
            Crowd::send(product.api(), &format!("meanwhile-{round}"), CLIENTS, 1).finish(&mut ledger).await;
            round += 1;
        }
    };
    let refused = tokio::time::timeout(PATIENCE, refused).await;
    assert!(refused.is_ok(), "a full disk takes every event, or nobody says so: {}", product.log());
    publishing.abort();
    assert_eq!(ledger.cut_off(), 0, "a command waited for the broker");

    disk.make_room();
    assert_eq!(backbone.interrupt(), Some(1), "it could not write everything");
    backbone.restart();
    Crowd::send(product.api(), "after", CLIENTS, 2).finish(&mut ledger).await;
    nothing_is_lost_and_nothing_is_twice(&mut product, &ledger).await;
}
