//! Whether a server is set up so that its log can be read, and the slot that is made for it.

use hexalpes_capture::{LogError, Mend, Position};

use crate::address::Address;
use crate::connection::{Connection, Purpose};
use crate::failure::{Failure, code, gap, refused};
use crate::lsn;
use crate::options::SlotOptions;
use crate::publication::{self, Publication};
use crate::sql::{identifier, literal};

/// The oldest version that is read: it says of which columns a publication is, and leaves out empty transactions.
const VERSION_MIN: u32 = 150_000;
const PLUGIN: &str = "pgoutput";
/// One that stays, and one while a table is read for the first time.
const SLOTS: u64 = 2;

/// What a server says of a slot of this database and our plug-in.
struct Found {
    /// The server let go what the slot had not read yet.
    lost: bool,
    /// All before is let go.
    confirmed: u64,
    /// The server's process for who reads from it.
    reader: Option<String>,
}

/// How many slots the server may have, and how many there are for longer than a moment: of readers that begin together, none
/// is refused for what the others take just then.
struct Room {
    most: u64,
    used: u64,
}

pub(crate) async fn connect(options: &SlotOptions) -> Result<Connection, LogError> {
    Connection::open(&Address::parse(&options.url)?, Purpose::Replication).await
}

/// What is not set up right is an error that says what mends it; what is missing can be made. So is a slot that another one
/// reads from, of which whoever waits for it asks again and again: by a connection that takes no place among the senders of the log.
pub(crate) async fn check(options: &SlotOptions) -> Result<(), LogError> {
    let mut connection = Connection::open(&Address::parse(&options.url)?, Purpose::Queries).await?;
    let slot = find(&mut connection, options).await;
    connection.close().await;
    if let Some(Found { reader: Some(reader), .. }) = slot? {
        return Err(read_by(options, &format!("process {reader}")));
    }
    let mut connection = connect(options).await?;
    let found = found(&mut connection, options).await;
    connection.close().await;
    found.map(drop)
}

async fn found(
    connection: &mut Connection,
    options: &SlotOptions,
) -> Result<(Option<Publication>, Option<Found>), LogError> {
    let room = server(connection).await?;
    let publication = Publication::find(connection, options).await?;
    match &publication {
        Some(publication) => publication.covers(connection, options).await?,
        None => publication::may_be_made(connection, options).await?,
    }
    let slot = find(connection, options).await?;
    if slot.is_none() && room.most < room.used + SLOTS {
        return Err(refused(
            format!(
                "the server may have {} replication slots and has {}; {SLOTS} more are needed",
                room.most, room.used
            ),
            format!("ALTER SYSTEM SET max_replication_slots = {}; and restart the server", room.used + SLOTS),
        ));
    }
    Ok((publication, slot))
}

/// Whether anybody can read this server's log.
async fn server(connection: &mut Connection) -> Result<Room, LogError> {
    const SERVER: &str = "SELECT current_setting('server_version_num'), current_setting('server_version'), \
        pg_is_in_recovery(), current_setting('wal_level'), current_setting('max_replication_slots'), \
        (SELECT count(*) FROM pg_replication_slots WHERE NOT temporary)";
    let rows = connection.query(SERVER).await?;
    let row = rows.first().ok_or_else(|| Failure::Protocol("no row of settings".to_owned()))?;
    let said = |column| row.text(column).unwrap_or_default();
    if row.parsed::<u32>(0)? < VERSION_MIN {
        return Err(refused(format!("PostgreSQL {} is too old", said(1)), "upgrade it to 15 or newer"));
    }
    if row.is_true(2) {
        return Err(refused("the server is a replica", "name the primary in the address"));
    }
    if said(3) != "logical" {
        return Err(refused(
            format!("wal_level is {}", said(3)),
            "ALTER SYSTEM SET wal_level = 'logical'; and restart the server",
        ));
    }
    Ok(Room { most: row.parsed(4)?, used: row.parsed(5)? })
}

/// How the publication has its tables; see [`publication::membership`].
pub(crate) async fn membership(
    connection: &mut Connection,
    options: &SlotOptions,
) -> Result<Option<String>, LogError> {
    let rows = connection.query(&format!("SELECT {}", publication::membership(options))).await?;
    Ok(rows.first().and_then(|row| row.text(0)).map(str::to_owned))
}

/// Where the log ends now, as far as it is on disk: what is not may be lost yet, and nobody is sent it.
pub(crate) async fn end(options: &SlotOptions) -> Result<Position, LogError> {
    let mut connection = connect(options).await?;
    let rows = connection.query("SELECT pg_current_wal_flush_lsn()").await?;
    connection.close().await;
    let end = rows.first().and_then(|row| row.lsn(0));
    Ok(Position::new("", end.ok_or_else(|| Failure::Protocol("no end of the log".to_owned()))?))
}

/// What the slot has confirmed, if it can be read from `from` on.
pub(crate) async fn readable(
    connection: &mut Connection,
    options: &SlotOptions,
    from: &Position,
) -> Result<u64, LogError> {
    let (_, _, written) = identify(connection).await?;
    server(connection).await?;
    let lost = |why: &str| lost(options, why, from);
    let slot = find(connection, options).await?.ok_or_else(|| lost("it is not there any more"))?;
    let publication = Publication::find(connection, options).await?;
    let publication = publication.ok_or_else(|| lost("its publication is not there any more"))?;
    publication.covers(connection, options).await?;
    // It may confirm something yet.
    if let Some(reader) = &slot.reader {
        return Err(read_by(options, &format!("process {reader}")));
    }
    if slot.lost {
        return Err(lost("the server let go what comes after (max_slot_wal_keep_size)"));
    }
    if from.offset < slot.confirmed {
        return Err(lost(&format!("all before {} was confirmed", lsn::text(slot.confirmed))));
    }
    if from.offset > written {
        return Err(lost(&format!("the log ends at {}, as of a backup", lsn::text(written))));
    }
    Ok(slot.confirmed)
}

/// The cluster's number, its timeline, and where its log ends.
pub(crate) async fn identify(connection: &mut Connection) -> Result<(String, u32, u64), LogError> {
    let rows = connection.query("IDENTIFY_SYSTEM").await?;
    let row = rows.first().ok_or_else(|| Failure::Protocol("no row of the system".to_owned()))?;
    let written = row.lsn(2);
    let written = written.ok_or_else(|| Failure::Protocol("no end of the log".to_owned()))?;
    Ok((row.parsed(0)?, row.parsed(1)?, written))
}

/// What a slot that is being made does, and where to look.
pub const WAITS_FOR_OTHERS: &str = "waits until all transactions that are open have ended: look for old ones with SELECT pid, \
    xact_start, query FROM pg_stat_activity ORDER BY xact_start";

/// One that is being made has confirmed nothing yet: nobody knows where it will begin.
async fn find(connection: &mut Connection, options: &SlotOptions) -> Result<Option<Found>, LogError> {
    let slot = literal(&options.slot);
    let asked = format!(
        "SELECT coalesce(plugin = {}, false) AND database = current_database(), \
         coalesce(wal_status = 'lost', false), confirmed_flush_lsn, active_pid \
         FROM pg_replication_slots WHERE slot_name = {slot}",
        literal(PLUGIN),
    );
    let rows = connection.query(&asked).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    if !row.is_true(0) {
        return Err(refused(
            format!("the slot {} is of another database, or of another plug-in", options.slot),
            format!("SELECT pg_drop_replication_slot({slot}); or name another slot"),
        ));
    }
    let reader = row.text(3).map(str::to_owned);
    let Some(confirmed) = row.lsn(2) else {
        return Err(LogError::Taken {
            what: format!("the slot {}", options.slot),
            mend: Mend(format!(
                "the server's {} makes it, and {WAITS_FOR_OTHERS}",
                reader.map_or_else(|| "own process".to_owned(), |reader| format!("process {reader}"))
            )),
        });
    };
    Ok(Some(Found { lost: row.is_true(1), confirmed, reader }))
}

/// The slot, and what it has confirmed.
pub(crate) async fn position(options: &SlotOptions) -> Result<Position, LogError> {
    let mut connection = connect(options).await?;
    let confirmed = made(&mut connection, options).await?;
    connection.close().await;
    Ok(Position::new("", confirmed))
}

/// The same for who wants nothing of what the slot has kept: that is let go, up to where the log ends now, without being decoded. What
/// was logged while another publication had this one's name, or none, could not be.
pub(crate) async fn anew(options: &SlotOptions) -> Result<Position, LogError> {
    let mut connection = connect(options).await?;
    let confirmed = made(&mut connection, options).await?;
    let advance = format!(
        "SELECT end_lsn FROM pg_replication_slot_advance({}, pg_current_wal_flush_lsn())",
        literal(&options.slot)
    );
    let advanced = connection.query(&advance).await;
    connection.close().await;
    let end = match advanced {
        Ok(rows) => rows.first().and_then(|row| row.lsn(0)),
        // Whoever reads from it sees to that.
        Err(failure) if failure.code() == Some(code::IN_USE) => Some(confirmed),
        Err(failure) => return Err(failure.into()),
    };
    Ok(Position::new("", end.ok_or_else(|| Failure::Protocol("no end of the slot".to_owned()))?))
}

/// What the slot has confirmed. What is missing is made, the publication first: a log that is older than its publication cannot be
/// read by it.
async fn made(connection: &mut Connection, options: &SlotOptions) -> Result<u64, LogError> {
    let (publication, slot) = found(connection, options).await?;
    if publication.is_none() {
        publication::make(connection, options).await?;
    }
    match slot {
        Some(slot) if publication.is_some() && !slot.lost => Ok(slot.confirmed),
        slot => {
            if slot.is_some() {
                drop_slot(connection, options).await?;
            }
            create(connection, options).await
        }
    }
}

/// Waits until all transactions that are open have ended: from there on every transaction can be read whole.
async fn create(connection: &mut Connection, options: &SlotOptions) -> Result<u64, LogError> {
    let command = format!(
        "CREATE_REPLICATION_SLOT {} LOGICAL {PLUGIN} (SNAPSHOT 'nothing')",
        identifier(&options.slot)
    );
    match connection.query(&command).await {
        Ok(rows) => {
            let consistent = rows.first().and_then(|row| row.lsn(1));
            consistent.ok_or_else(|| LogError::Unreadable("a new slot without a position".to_owned()))
        }
        Err(failure) if failure.code() == Some(code::DUPLICATE_OBJECT) => {
            let found = find(connection, options).await?;
            found.map(|slot| slot.confirmed).ok_or_else(|| failure.into())
        }
        Err(failure) => Err(not_created(failure)),
    }
}

pub(crate) fn not_created(failure: Failure) -> LogError {
    match failure.code() {
        Some(code::LIMIT_EXCEEDED) => refused(
            "the server has no replication slot left",
            "SELECT slot_name FROM pg_replication_slots WHERE NOT active; and drop those that nobody needs, or \
             raise max_replication_slots and restart the server",
        ),
        Some(code::INVALID_NAME) => {
            refused(failure.to_string(), "name the slot with lower-case letters, digits and _ alone")
        }
        _ => failure.into(),
    }
}

/// A command that creates a slot for this session, whose transaction then sees the table as it was there.
pub(crate) fn create_for_snapshot(slot: &str) -> String {
    format!("CREATE_REPLICATION_SLOT {} TEMPORARY LOGICAL {PLUGIN} (SNAPSHOT 'use')", identifier(slot))
}

async fn drop_slot(connection: &mut Connection, options: &SlotOptions) -> Result<(), LogError> {
    let command = format!("DROP_REPLICATION_SLOT {}", identifier(&options.slot));
    match connection.query(&command).await {
        Ok(_) => Ok(()),
        Err(failure) => match failure.code() {
            Some(code::UNDEFINED_OBJECT) => Ok(()),
            Some(code::IN_USE) => Err(taken(connection, options).await),
            _ => Err(failure.into()),
        },
    }
}

/// Lets the server forget the slot, so that it keeps no more log for it.
pub(crate) async fn remove(options: &SlotOptions) -> Result<(), LogError> {
    let mut connection = connect(options).await?;
    drop_slot(&mut connection, options).await?;
    connection.close().await;
    Ok(())
}

/// Somebody else reads from the slot.
pub(crate) async fn taken(connection: &mut Connection, options: &SlotOptions) -> LogError {
    let reader = match find(connection, options).await {
        Err(why @ LogError::Taken { .. }) => return why,
        found => found.ok().flatten().and_then(|slot| slot.reader),
    };
    let reader =
        reader.map_or_else(|| "process that reads from it".to_owned(), |reader| format!("process {reader}"));
    read_by(options, &reader)
}

fn read_by(options: &SlotOptions, reader: &str) -> LogError {
    LogError::Taken {
        what: format!("the slot {}", options.slot),
        mend: Mend(format!("it is free once the server's {reader} has ended")),
    }
}

/// What the log had after `from` is gone.
pub(crate) fn lost(options: &SlotOptions, why: &str, from: &Position) -> LogError {
    let at = lsn::text(from.offset);
    // Whoever begins anew makes the slot anew as well.
    gap(format!("the slot {} cannot go on from {at}: {why}", options.slot), "take the tables' rows anew")
}
