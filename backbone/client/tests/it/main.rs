//! What our client promises, shown against every engine there is: the embedded broker, and a real Pulsar
//! when `HEXALPES_TEST_PULSAR_URL` and `HEXALPES_TEST_PULSAR_ADMIN_URL` name one.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod access;
mod acks;
mod admin;
mod admin_clusters;
mod admin_details;
mod admin_limits;
mod admin_namespaces;
mod admin_policies;
mod admin_subscriptions;
mod authenticated;
mod bodies;
mod both;
mod compacted;
mod consume;
mod counting;
mod encrypted;
mod engine;
mod fake;
mod faults;
mod foreign;
mod foreign_consumers;
mod foreign_go;
mod foreign_java;
mod foreign_schemas;
mod foreign_seeds;
mod key_shared;
mod listing;
mod order;
mod outage;
mod partitions;
mod passing;
mod proxy;
mod raw;
mod readers;
mod rest;
mod schemas;
mod seek;
mod sequence;
mod several;
