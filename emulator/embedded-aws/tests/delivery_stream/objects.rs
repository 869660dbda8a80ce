//! Objects: when they are written, their names, and the backup.

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use embedded_aws::delivery_stream::{
    Compression, DeliveryStream, DirectPut, DirectoryError, DirectoryObjects, MemoryObjects, ObjectStore,
    RawBackup, RecordTooLarge, RunError, Settings,
};
use embedded_aws::event_source_mapping::Clock;
use flate2::read::GzDecoder;

use crate::support::{Reply, buffering, drain, function, noon, result, settings, source, text};

const SECOND: Duration = Duration::from_secs(1);
const MIB: usize = 1024 * 1024;

#[tokio::test(start_paused = true)]
async fn an_object_is_named_after_the_delivery_stream_its_version_the_time_and_a_uuid() {
    let (unchanged, _) = function(|_, _| Reply::Ok);

    let (report, objects) = drain(source(["a", "b\n"]), unchanged, settings()).await;

    let objects = objects.snapshot();
    let [(key, data)] = &objects.iter().collect::<Vec<_>>()[..] else { panic!("{objects:?}") };
    let rest = key.strip_prefix("all/2027/lake-1-2027-01-15-12-00-00-").expect(key);
    assert_eq!(rest.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert_eq!(&data[..], b"ab\n");
    let written = report.prefixes["all/2027/"];
    assert_eq!((written.records, written.objects, written.bytes), (2, 1, 3));
    assert_eq!((report.objects, report.bytes), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn an_object_is_written_when_its_size_is_reached() {
    let (unchanged, _) = function(|_, _| Reply::Ok);

    let (_, objects) = drain(
        source(vec!["x".repeat(MIB / 2); 5]),
        unchanged,
        Settings { buffering: buffering(MIB, 900), ..settings() },
    )
    .await;

    let mut sizes: Vec<_> = objects.snapshot().values().map(Bytes::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [MIB / 2, MIB, MIB]);
}

#[tokio::test(start_paused = true)]
async fn objects_and_the_backups_objects_are_written_when_their_own_times_have_passed() {
    let (unchanged, _) = function(|_, _| Reply::Ok);
    let put = source(["a"]);
    let objects = MemoryObjects::default();
    let settings = Settings {
        transform_buffering: buffering(MIB, 0),
        buffering: buffering(MIB, 60),
        raw_backup: Some(RawBackup {
            prefix: "raw/".to_owned(),
            buffering: buffering(MIB, 30),
            compression: Compression::Uncompressed,
        }),
        ..settings()
    };
    let delivery = DeliveryStream::of_direct_put(put, unchanged, objects.clone(), settings).unwrap();
    let mut seen = Vec::new();
    let watcher = async {
        for _ in 0..3 {
            tokio::time::sleep(29 * SECOND).await;
            seen.push((text(&objects, "raw/"), text(&objects, "all/")));
        }
    };

    delivery.run(watcher).await.unwrap();

    let expected = [("", ""), ("a", ""), ("a", "a")].map(|(raw, all)| (raw.to_owned(), all.to_owned()));
    assert_eq!(seen, expected);
    assert!(objects.snapshot().keys().any(|key| key.starts_with("raw/2027/01/15/12/lake-1-")));
}

#[tokio::test(start_paused = true)]
async fn the_backup_holds_every_record_as_it_came_whatever_became_of_it() {
    let (mixed, _) = function(|_, records| {
        Reply::Records(vec![
            crate::support::ok(&records[0], "other"),
            result(&records[1], "Dropped"),
            result(&records[2], "ProcessingFailed"),
        ])
    });
    let raw_backup = Some(RawBackup {
        prefix: "raw/".to_owned(),
        buffering: buffering(MIB, 60),
        compression: Compression::Uncompressed,
    });

    let (_, objects) =
        drain(source(["a", "b", "c", "d"]), mixed, Settings { raw_backup, ..settings() }).await;

    assert_eq!(text(&objects, "raw/"), "abcd");
}

#[tokio::test(start_paused = true)]
async fn a_compressed_backup_is_gzip_and_says_so_and_the_other_keys_have_the_ending_that_was_ordered() {
    let (mixed, _) = function(|_, records| {
        Reply::Records(vec![
            crate::support::ok(&records[0], "scored"),
            result(&records[1], "ProcessingFailed"),
        ])
    });
    let raw_backup = RawBackup {
        prefix: "raw/".to_owned(),
        buffering: buffering(MIB, 60),
        compression: Compression::Gzip,
    };
    let settings =
        Settings { raw_backup: Some(raw_backup), file_extension: ".ndjson".to_owned(), ..settings() };

    let (_, objects) = drain(source(["a", "b"]), mixed, settings).await;

    let objects = objects.snapshot();
    let ending = |key: &&String| if key.starts_with("raw/") { ".gz" } else { ".ndjson" };
    assert_eq!(objects.len(), 3, "the lake, the errors and the backup");
    assert!(objects.keys().all(|key| key.ends_with(ending(&key))), "{:?}", objects.keys());
    let (_, backup) = objects.iter().find(|(key, _)| key.starts_with("raw/")).unwrap();
    let mut unpacked = String::new();
    GzDecoder::new(&backup[..]).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, "ab");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_written_ends_the_run_and_its_records_come_again() {
    /// Refuses the first object.
    #[derive(Clone, Default)]
    struct Flaky(MemoryObjects, std::sync::Arc<std::sync::atomic::AtomicBool>);
    impl ObjectStore for Flaky {
        type Error = &'static str;

        async fn put(&self, key: &str, data: Bytes) -> Result<(), &'static str> {
            if !self.1.swap(true, std::sync::atomic::Ordering::Relaxed) {
                return Err("no room");
            }
            self.0.put(key, data).await.map_err(|never| match never {})
        }
    }
    let (unchanged, _) = function(|_, _| Reply::Ok);
    let store = Flaky::default();
    let delivery =
        DeliveryStream::of_direct_put(source(["a"]), unchanged, store.clone(), settings()).unwrap();

    let first = delivery.run_until_drained().await;
    delivery.run_until_drained().await.unwrap();

    assert_eq!(first.unwrap_err(), RunError::Store("no room"));
    assert_eq!(text(&store.0, "all/"), "a");
}

#[tokio::test]
async fn objects_become_files_at_the_paths_that_their_keys_are_and_never_outside() {
    let directory = std::env::temp_dir().join(format!("embedded-aws-objects-{}", std::process::id()));
    let store = DirectoryObjects::new(&directory);

    store.put("a/b=1/object", "first".into()).await.unwrap();
    store.put("a/b=1/object", "second".into()).await.unwrap();
    for key in ["../object", "a/../../object", "/object", "a/", ""] {
        let refused = store.put(key, "".into()).await;
        assert!(matches!(refused, Err(DirectoryError::Key(_))), "{key:?}");
    }
    let in_the_way = store.put("a/b=1/object/below", "".into()).await;

    assert!(matches!(in_the_way, Err(DirectoryError::Write { .. })));
    let written: Vec<_> = std::fs::read_dir(directory.join("a/b=1")).unwrap().collect();
    assert_eq!(written.len(), 1);
    assert_eq!(std::fs::read(directory.join("a/b=1/object")).unwrap(), b"second");
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_record_has_at_most_a_thousand_kibibytes() {
    let put = DirectPut::new("lake", Clock::starting_at(noon()));
    assert!(put.put(vec![0; 1_024_000]).is_ok());
    assert_eq!(put.put(vec![0; 1_024_001]), Err(RecordTooLarge(1_024_001)));
    assert_eq!(put.records().len(), 1);
}
